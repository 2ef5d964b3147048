"""From a pool and a lease to a healthy zone, and back. Sees drivers only through `ports`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .build import resolve_build
    from .deploy import deploy_zone
    from .health import ailments
    from .plan import Assignment, assign, make_plan
    from .provisioner import Provisioner, teardown
    from .stage import Done, Stage, StepTime
    from .steps import Context
    from .template import fetch_template

_HOME = {
    "Assignment": "plan",
    "Context": "steps",
    "Done": "stage",
    "Provisioner": "provisioner",
    "Stage": "stage",
    "StepTime": "stage",
    "ailments": "health",
    "assign": "plan",
    "deploy_zone": "deploy",
    "fetch_template": "template",
    "make_plan": "plan",
    "resolve_build": "build",
    "teardown": "provisioner",
}

__all__ = [
    "Assignment",
    "Context",
    "Done",
    "Provisioner",
    "Stage",
    "StepTime",
    "ailments",
    "assign",
    "deploy_zone",
    "fetch_template",
    "make_plan",
    "resolve_build",
    "teardown",
]


def __getattr__(name: str) -> Any:
    """Load a name's module when it is first used: Puppet's classifier lives in this package and must start fast."""
    import importlib

    if name not in _HOME:
        raise AttributeError(name)
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
