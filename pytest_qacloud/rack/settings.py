"""What the rack is told: its command line, and a rack file with the same settings."""

from __future__ import annotations

import argparse
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASSIFIER_OPTION = "--node-classifier"
HYPERVISORS = ("kvm", "xenserver", "vmware", "simulator")


class SettingsError(ValueError):
    """The command line or the rack file is wrong; the text says what to change."""


@dataclass(frozen=True)
class Settings:
    """A rack, as somebody wants it.

    Args:
        dir: folder for all it writes.
        install_time_s: seconds from power-on to a new system.
        node_classifier: Puppet's external node classifier, one argument each.
        parent_pipe: end when standard input ends.
        faults: what is wrong from the start, as the control port takes it.
    """

    dir: Path
    name: str = "sim"
    machines: int = 4
    hypervisor: str = "kvm"
    install_time_s: float = 0.3
    node_classifier: tuple[str, ...] = ()
    parent_pipe: bool = False
    faults: tuple[dict[str, Any], ...] = ()


def parse(arguments: Sequence[str]) -> Settings:
    """The settings of a command line; it wins over the rack file it names.

    Raises:
        SettingsError: a value or the rack file is wrong. An unknown option ends the program, as argparse does.
    """
    parser = argparse.ArgumentParser(
        prog="python -m pytest_qacloud.rack",
        description="A simulated rack on loopback. Prints one line of JSON when it is ready.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--dir", type=Path, required=True, help="folder for all it writes; made if it is missing")
    parser.add_argument("--name", help="name of the pool (default: sim)")
    parser.add_argument("--machines", type=int, help="how many machines (default: 4)")
    parser.add_argument("--hypervisor", choices=HYPERVISORS, help="what the pool runs (default: kvm)")
    parser.add_argument("--install-time", dest="install_time_s", type=float, help="seconds (default: 0.3)")
    parser.add_argument("--rack-file", type=Path, help="TOML file with the same settings, and [[faults]]")
    parser.add_argument(
        CLASSIFIER_OPTION, action="append", metavar="ARG", help="one argument of the node classifier; repeatable"
    )
    parser.add_argument("--parent-pipe", action="store_true", help="end when standard input ends")
    given = vars(parser.parse_args(_joined(arguments)))
    rack_file = given.pop("rack_file", None)
    chosen = (_read(rack_file) if rack_file else {}) | given
    if "node_classifier" in chosen:
        chosen["node_classifier"] = tuple(chosen["node_classifier"])
    return _checked(replace(Settings(given["dir"]), **chosen))


def _joined(arguments: Sequence[str]) -> list[str]:
    """Write `--node-classifier -m` as one word: argparse takes a value that begins with a dash for an option."""
    words: list[str] = []
    for word in arguments:
        if words and words[-1] == CLASSIFIER_OPTION:
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


def _read(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    known = {field.name: field for field in fields(Settings) if field.name not in {"dir", "parent_pipe"}}
    for key, value in content.items():
        if key not in known:
            raise SettingsError(f"{path}: unknown key {key!r}; there are {', '.join(sorted(known))}")
        default = known[key].default
        wanted: tuple[type, ...] = (list,) if isinstance(default, tuple) else (type(default),)
        if wanted == (float,):
            wanted = (float, int)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise SettingsError(f"{path}: {key} must be a {wanted[0].__name__}, not {value!r}")
    return content | {"faults": tuple(content.get("faults", ()))}


def _checked(settings: Settings) -> Settings:
    if not 1 <= settings.machines <= 4000:
        raise SettingsError(f"machines must be 1 to 4000, not {settings.machines}")
    if settings.install_time_s < 0:
        raise SettingsError(f"the install time must not be negative: {settings.install_time_s}")
    if settings.hypervisor not in HYPERVISORS:
        raise SettingsError(f"hypervisor must be one of {', '.join(HYPERVISORS)}, not {settings.hypervisor!r}")
    if not settings.name or not all(part.isalnum() for part in settings.name.split("-")):
        raise SettingsError(f"the name must be letters, digits and single dashes, not {settings.name!r}")
    if not all(isinstance(word, str) for word in settings.node_classifier):
        raise SettingsError("node_classifier must be a list of texts")
    return settings
