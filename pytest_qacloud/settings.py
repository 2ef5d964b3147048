"""Where a setting comes from: option over environment over ini over `qacloud.toml` over the default.

Only the standard library at the top: pytest loads this with the plugin.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SETTINGS_FILE = "qacloud.toml"


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a user can set.

    Args:
        name: `pool` is `--qacloud-pool`, `QACLOUD_POOL`, `qacloud_pool` in ini files and `pool` in `qacloud.toml`.
        default: as text; empty where unset means something of its own.
    """

    name: str
    help: str
    default: str = ""
    metavar: str = "VALUE"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and who set it.

    Args:
        typed: set in the shell that started us, so that a relative path begins where that shell is.
    """

    value: str
    source: str
    typed: bool = False


OPTIONS = (
    Option("pool", "pool to lease: a name in the pools folder, several with commas (any one is taken; with -n, one "
           "for each worker), `any`, `any:TAG`, `sim`, or the path of a pool file", metavar="NAME"),
    Option("pools-dir", "folder of the pool files", "pools", "DIR"),
    Option("zone", "run on a zone that `qacloud zone up` left behind, instead of a pool", metavar="FILE"),
    Option("marvin", "CloudStack's own Marvin for the suites: a checkout of CloudStack, or its tools/marvin",
           metavar="PATH"),
    Option("attr", "run only tests with these attributes, as nose's -a: `tags=advanced,required_hardware=false`;"
           " given again (in files: `;`) it adds more tests", metavar="ATTR"),
    Option("zone-config", "deploy the zones of this file, in Marvin's format, instead of the pool's own; the pool gives"
           " the management server", metavar="FILE"),
    Option("config-out", "write the zone's complete configuration for Marvin here, keys and passwords included",
           metavar="FILE"),
    Option("build", "what to test: a name for the reports, or the URL of a package repository; a branch, tag or commit"
           " where [gate] of qacloud.toml says how to build it, or the pool builds its own management server",
           "release", "BUILD"),
    Option("gate", "after the tests of staging's tip: `report` what they mean for it, `bisect` for the commits that"
           " broke them, or `promote` those that did not; `off`", "off", "WHAT"),
    Option("wait", "wait in line for a pool that is held: for ever, or so many minutes with =MINUTES", "0", "MINUTES"),
    Option("owner", "who runs this, for the others in line; found out by itself", metavar="NAME"),
    Option("purpose", "what the run is for, for the others in line", metavar="TEXT"),
    Option("runs-dir", "folder that keeps the journal and logs of each run", ".qacloud/runs", "DIR"),
    Option("sim-machines", "machines of a simulated rack", metavar="N"),
    Option("sim-install-time", "seconds that an installation takes on a simulated rack", metavar="SECONDS"),
)  # fmt: skip


class Settings:
    """All options' values with their sources.

    Args:
        options: values given on the command line.
        ini: looks an ini key up; an empty string where it is not set.
        environ: environment variables.
        folder: where `qacloud.toml` may stand.
    """

    def __init__(
        self,
        options: Mapping[str, str | None],
        ini: Callable[[str], str],
        folder: Path,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.folder = folder
        file = read_settings_file(folder / SETTINGS_FILE)
        self._settings = {
            option.name: _resolve(option, options.get(option.name), environ, ini, file) for option in OPTIONS
        }

    def __getitem__(self, name: str) -> str:
        """An option's value; empty where it is not set."""
        return self._settings[name].value

    def source(self, name: str) -> str:
        """Who set it, in words."""
        return self._settings[name].source

    def shown(self) -> list[str]:
        """A line for each setting that somebody set, and for those that matter always."""
        return [
            f"{name}={setting.value} ({setting.source})"
            for name, setting in self._settings.items()
            if setting.value and (setting.source != "default" or name in {"pool", "build"})
        ]

    def path(self, name: str) -> Path:
        """An option that names a file or folder.

        A relative one starts where it was written: an option or a variable in the current folder, a file's and the
        default in the root folder.

        Raises:
            ConfigError: it begins with the home folder of somebody who has none.
        """
        try:
            chosen = Path(self[name]).expanduser()
        except RuntimeError as error:
            raise self._wrong(name, "there is no such home folder") from error
        return (Path.cwd() if self._settings[name].typed else self.folder) / chosen

    def wait_s(self) -> float | None:
        """Seconds to wait for a pool: 0 not at all, `None` for ever.

        Raises:
            ConfigError: not a number of minutes.
        """
        text = self["wait"]
        if text in {"forever", "true", "yes"}:
            return None
        if text in {"false", "no"}:
            return 0.0
        return self._number("wait", "minutes, or `forever`") * 60

    def machines(self) -> int | None:
        """Machines of a simulated rack; `None` leaves it to the pool file."""
        if not self["sim-machines"]:
            return None
        number = self._number("sim-machines", "machines")
        if number < 2 or number != int(number):  # one to manage, one to run VMs
            raise self._wrong("sim-machines", "a zone needs at least 2 machines")
        return int(number)

    def install_time_s(self) -> float | None:
        """Seconds of a simulated installation; `None` leaves it to the pool file."""
        return self._number("sim-install-time", "seconds") if self["sim-install-time"] else None

    def _number(self, name: str, unit: str) -> float:
        try:
            value = float(self[name])
        except ValueError:
            value = -1
        if not 0 <= value < float("inf"):
            raise self._wrong(name, f"this is no number of {unit}")
        return value

    def _wrong(self, name: str, why: str) -> ConfigError:
        return ConfigError(f"{name}={self[name]} (from {self.source(name)}): {why}")


def read_settings_file(path: Path) -> dict[str, str]:
    """The top-level keys of a `qacloud.toml`; tables are other readers' business.

    Raises:
        ConfigError: not TOML, a key that is no option (names the nearest), or a value that is none.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", file=str(path)) from error
    known = {option.name.replace("-", "_"): option.name for option in OPTIONS}
    values = {}
    for key, value in content.items():
        if isinstance(value, dict):
            continue
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
            raise ConfigError(f"there is no such setting; {hint}", file=str(path), key=key)
        values[known[key]] = _text(value, path, key)
    return values


def _text(value: object, path: Path, key: str) -> str:
    """A TOML value as the command line would have it; a list of texts becomes one with commas."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return ",".join(value)
    raise ConfigError("must be a text, a number or true or false", file=str(path), key=key)


def _resolve(
    option: Option,
    given: str | None,
    environ: Mapping[str, str],
    ini: Callable[[str], str],
    file: Mapping[str, str],
) -> Setting:
    name = option.name.replace("-", "_")
    variable = f"QACLOUD_{name.upper()}"
    if given is not None:
        return Setting(given, f"--qacloud-{option.name}", typed=True)
    if environ.get(variable):
        return Setting(environ[variable], f"${variable}", typed=True)
    if value := ini(f"qacloud_{name}"):
        return Setting(value, f"ini qacloud_{name}")
    if option.name in file:
        return Setting(file[option.name], SETTINGS_FILE)
    return Setting(option.default, "default")
