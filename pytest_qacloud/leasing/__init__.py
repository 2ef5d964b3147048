"""Leases on pools: `acquire` stands in line for one and returns it held (`acquire_several`: for several at once),
`SqlLeaseStore` keeps them.
"""

from .acquire import acquire, attach, default_owner
from .database import default_url
from .heartbeat import Heartbeat
from .several import acquire_several
from .store import SqlLeaseStore
from .watch import Watch
from .wording import duration_text, waiting_text

__all__ = [
    "Heartbeat",
    "SqlLeaseStore",
    "Watch",
    "acquire",
    "acquire_several",
    "attach",
    "default_owner",
    "default_url",
    "duration_text",
    "waiting_text",
]
