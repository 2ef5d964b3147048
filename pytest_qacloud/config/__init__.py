"""Pool files: TOML that people write, checked against a schema and against itself, as values of `model`.

Unknown keys are errors that name file, line, key and the nearest known key. All that is wrong with a file comes in one
message. pydantic is imported here, which takes a while: import this package where a pool is read, not before.
"""

from .describe import describe
from .folder import PoolEntry, find_pool, list_pools
from .load import load_pool, parse_pool
from .schema import SimulatedPool

__all__ = ["PoolEntry", "SimulatedPool", "describe", "find_pool", "list_pools", "load_pool", "parse_pool"]
