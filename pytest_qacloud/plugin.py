"""pytest's hooks and options, thin: what they do stands in `session`, `run` and `report`.

Without a pool or a zone nothing here does anything. Only the standard library, pytest and light modules of this
package are imported at load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .errors import ConfigError, MarvinError
from .settings import OPTIONS, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .model import GateSettings
    from .run import LoneRun
    from .xdist import Controller, Worker

pytest_plugins = ("pytest_qacloud.fixtures",)

FOREVER = "forever"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options `--qacloud-*`, each an ini key `qacloud_*` too."""
    group = parser.getgroup("qacloud", "CloudStack zones from bare metal")
    for option in OPTIONS:
        text = option.help if not option.default else f"{option.help} (default: {option.default})"
        nargs: dict[str, Any] = {"nargs": "?", "const": FOREVER} if option.name == "wait" else {}
        if option.name == "attr":
            nargs = {"action": "append"}
        group.addoption(
            f"--qacloud-{option.name}",
            dest=_dest(option.name),
            default=None,
            metavar=option.metavar,
            help=text.replace("%", "%%"),
            **nargs,
        )
        parser.addini(_dest(option.name), option.help, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Make Marvin importable for suites, and collect these; register the run where a pool or a zone is asked for."""
    from . import marvin, suites

    marvin.provide()
    config.add_cleanup(marvin.withdraw)
    if config.option.help or getattr(config.option, "version", 0):
        return
    try:
        settings = Settings(_given(config), lambda key: str(config.getini(key)), config.rootpath)
        wanted = bool(settings["pool"] or settings["zone"])
        suites.register(config, settings)
        gate = _gate(settings)
    except (ConfigError, MarvinError) as error:
        raise pytest.UsageError(str(error)) from error
    if wanted:
        _register(config, settings, gate)


def _gate(settings: Settings) -> GateSettings | None:
    """What the gate after the session works by, where one is asked for."""
    if settings["gate"] == "off":
        return None
    from . import gatehook

    return gatehook.wanted(settings)


def _register(config: pytest.Config, settings: Settings, gate: GateSettings | None) -> None:
    """Register this process's part of the run: alone, as controller of workers, or as a worker."""
    plugin: LoneRun | Controller | Worker
    if hasattr(config, "workerinput"):
        from .xdist import KEY, Worker

        # Taken out, as it holds keys, and everybody may look in there.
        plugin = Worker(config, settings, config.workerinput.pop(KEY))
    else:
        from .run import LoneRun
        from .xdist import Controller, distributes

        plugin = made = (Controller if distributes(config) else LoneRun)(config, settings)
        if gate is not None:
            from .gatehook import GateHook

            # Before the run itself, since what is registered later is called earlier: it frees the pools.
            config.pluginmanager.register(GateHook(config, settings, gate, made.report), "qacloud-gate")
    config.pluginmanager.register(plugin, "qacloud-run")
    config.add_cleanup(plugin.stop)


def _dest(name: str) -> str:
    return f"qacloud_{name.replace('-', '_')}"


def _given(config: pytest.Config) -> Mapping[str, str | None]:
    given = {option.name: config.getoption(_dest(option.name)) for option in OPTIONS}
    return {name: ";".join(value) if isinstance(value, list) else value for name, value in given.items()}
