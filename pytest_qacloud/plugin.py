"""pytest's hooks and options, thin: what they do stands in `session`, `run` and `report`.

Without a pool or a zone nothing here does anything. Only the standard library, pytest and light modules of this
package are imported at load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .errors import ConfigError
from .settings import OPTIONS, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

pytest_plugins = ("pytest_qacloud.fixtures",)

FOREVER = "forever"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options `--qacloud-*`, each an ini key `qacloud_*` too."""
    group = parser.getgroup("qacloud", "CloudStack zones from bare metal")
    for option in OPTIONS:
        text = option.help if not option.default else f"{option.help} (default: {option.default})"
        nargs = {"nargs": "?", "const": FOREVER} if option.name == "wait" else {}
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
    """Make Marvin importable for suites; register the run where a pool or a zone is asked for."""
    from . import marvin

    marvin.provide()
    config.add_cleanup(marvin.withdraw)
    if config.option.help or getattr(config.option, "version", 0) or hasattr(config, "workerinput"):
        return
    try:
        settings = Settings(_given(config), lambda key: str(config.getini(key)), config.rootpath)
        wanted = bool(settings["pool"] or settings["zone"])
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from error
    if wanted:
        from .run import RunPlugin

        plugin = RunPlugin(config, settings)
        config.pluginmanager.register(plugin, "qacloud-run")
        config.add_cleanup(plugin.stop)


def _dest(name: str) -> str:
    return f"qacloud_{name.replace('-', '_')}"


def _given(config: pytest.Config) -> Mapping[str, str | None]:
    return {option.name: config.getoption(_dest(option.name)) for option in OPTIONS}
