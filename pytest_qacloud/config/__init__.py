"""Pool files: TOML that people write, checked against a schema and against itself, as values of `model`.

Unknown keys are errors that name file, line, key and the nearest known key. All that is wrong with a file comes in one
message. pydantic is imported here, which takes a while: import this package where a pool is read, not before.
"""

from typing import TypeAlias

from ..model import Pool, ProcessPool
from .describe import describe
from .folder import PoolEntry, find_pool, list_pools
from .gate import load_gate
from .load import load_pool, parse_pool
from .schema import SimulatedPool

AnyPool: TypeAlias = Pool | SimulatedPool | ProcessPool
"""What a pool file may describe."""

__all__ = [
    "AnyPool",
    "PoolEntry",
    "SimulatedPool",
    "describe",
    "find_pool",
    "list_pools",
    "load_gate",
    "load_pool",
    "parse_pool",
]
