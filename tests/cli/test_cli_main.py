"""`qacloud` and `python -m pytest_qacloud`: commands are found late, and errors are one paragraph and a code."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from pytest_qacloud import __version__, cli
from pytest_qacloud.errors import ConfigError, LeaseLostError, ProvisionError, QacloudError

if TYPE_CHECKING:
    from pathlib import Path


def qacloud(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest_qacloud", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, env=env)


def test_help_lists_all_commands_and_loads_none() -> None:
    program = (
        "import sys; sys.argv = ['qacloud', '--help']\n"
        "from pytest_qacloud.__main__ import main\n"
        "try: main()\n"
        "finally: print('LOADED', *sys.modules)"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    text, _, loaded = ended.stdout.partition("LOADED")
    assert ended.returncode == 0
    assert all(f"  {name}  " in text for name in cli.GROUPS)
    assert not {f"pytest_qacloud.cli.{name.replace('-', '_')}" for name in cli.GROUPS} & set(loaded.split())


@pytest.mark.parametrize("name", cli.GROUPS)
def test_each_command_is_there_under_its_name(name: str) -> None:
    ended = CliRunner().invoke(cli.command, [name, "--help"])

    assert ended.exit_code == 0, ended.output
    assert f"Usage: command {name}" in ended.output


def test_the_version() -> None:
    assert qacloud("--version").stdout == f"qacloud, version {__version__}\n"


@pytest.mark.parametrize(
    ("word", "hint"), [("pool", "Did you mean pools?"), ("leasse", "Did you mean leases?"), ("xyzzy", "'xyzzy'.")]
)
def test_a_command_that_does_not_exist_is_a_usage_error_with_the_nearest(word: str, hint: str) -> None:
    ended = qacloud(word)

    assert ended.returncode == 2
    assert f"No such command '{word}'" in ended.stderr
    assert hint in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConfigError("is not TOML", file="rack1.toml"), 4, "qacloud: rack1.toml: is not TOML\n"),
        (LeaseLostError("rack1", 7, "expired"), 75,
         "qacloud: No lease: the lease on rack1 (epoch 7) is lost: expired\n"),
        (ProvisionError("node2", "ipmi", "no answer", 1, "Go there."), 75,
         "qacloud: No zone: machine node2, step ipmi, after 1.00 s: no answer. Go there.\n"),
        (ExceptionGroup("several", [QacloudError("a"), QacloudError("b")]), 75,
         "qacloud: No zone: a\n\nNo zone: b\n"),
    ],
)  # fmt: skip
def test_an_error_raised_on_purpose_is_a_paragraph_and_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int, text: str
) -> None:
    fails(monkeypatch, error)

    with pytest.raises(SystemExit) as raised:
        cli.main(["pools"])

    assert raised.value.code == code
    assert capsys.readouterr() == ("", text)


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), ExceptionGroup("x", [QacloudError("a"), ValueError("b")])])
def test_a_fault_of_this_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    fails(monkeypatch, error)

    with pytest.raises(type(error)) as raised:
        cli.main(["pools"])

    assert raised.value is error


def fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Put a command that raises in the place of `qacloud pools`."""

    @click.command()
    def pools() -> None:
        raise error

    from pytest_qacloud.cli import pools as module

    monkeypatch.setattr(module, "pools", pools)


def test_a_wrong_pools_folder_is_no_traceback(tmp_path: Path) -> None:
    ended = qacloud("pools", "show", "nowhere", "--pools-dir", str(tmp_path))

    assert ended.returncode == 4
    assert ended.stderr.startswith("qacloud: ")
    assert "Traceback" not in ended.stderr
