"""Makes `import marvin…` work for suites written for Apache CloudStack's Marvin, and gives their classes a zone.

`provide()` once, early; then `bind()` when there is a zone, `inject()` for each class and `set_identifier()` for each
test. `stand_in/` holds what suites see, under Marvin's own names; this package holds what it is made of.

Only the standard library is imported until a suite imports `marvin`.
"""

from .finder import provide, withdraw
from .injection import RunContext, bind, inject, is_suite, set_identifier
from .installed import Kind, MarvinFound, which

__all__ = [
    "Kind",
    "MarvinFound",
    "RunContext",
    "bind",
    "inject",
    "is_suite",
    "provide",
    "set_identifier",
    "which",
    "withdraw",
]
