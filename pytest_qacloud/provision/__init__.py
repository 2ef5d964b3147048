"""From a pool and a lease to a healthy zone, and back. Sees drivers only through `ports`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .build import resolve_build
    from .deploy import deploy_zones
    from .health import ailments
    from .plan import Assignment, assign, make_plan, management_only
    from .process import ProcessProvisioner
    from .process_state import ProcessState
    from .provisioner import Provisioner
    from .stage import Done, Stage, StepTime
    from .steps import Context
    from .template import fetch_template
    from .zone_config import ZoneConfig, read_zone_config, secrets_in, without_secrets

_HOME = {
    "Assignment": "plan",
    "Context": "steps",
    "Done": "stage",
    "ProcessProvisioner": "process",
    "ProcessState": "process_state",
    "Provisioner": "provisioner",
    "Stage": "stage",
    "StepTime": "stage",
    "ZoneConfig": "zone_config",
    "ailments": "health",
    "assign": "plan",
    "deploy_zones": "deploy",
    "fetch_template": "template",
    "make_plan": "plan",
    "management_only": "plan",
    "read_zone_config": "zone_config",
    "resolve_build": "build",
    "secrets_in": "zone_config",
    "without_secrets": "zone_config",
}

__all__ = [
    "Assignment",
    "Context",
    "Done",
    "ProcessProvisioner",
    "ProcessState",
    "Provisioner",
    "Stage",
    "StepTime",
    "ZoneConfig",
    "ailments",
    "assign",
    "deploy_zones",
    "fetch_template",
    "make_plan",
    "management_only",
    "read_zone_config",
    "resolve_build",
    "secrets_in",
    "without_secrets",
]


def __getattr__(name: str) -> Any:
    """Load a name's module when it is first used: Puppet's classifier lives in this package and must start fast."""
    import importlib

    if name not in _HOME:
        raise AttributeError(name)
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
