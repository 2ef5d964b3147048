"""Leases on pools: `acquire` stands in line for one and returns it held, `SqlLeaseStore` keeps them."""

from .acquire import acquire, attach, default_owner
from .database import default_url
from .heartbeat import Heartbeat
from .store import SqlLeaseStore
from .wording import duration_text, waiting_text

__all__ = [
    "Heartbeat",
    "SqlLeaseStore",
    "acquire",
    "attach",
    "default_owner",
    "default_url",
    "duration_text",
    "waiting_text",
]
