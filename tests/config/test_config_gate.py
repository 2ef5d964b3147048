"""`[gate]` of qacloud.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.config import load_gate
from pytest_qacloud.errors import ConfigError
from pytest_qacloud.model import GateSettings, SecretRef

if TYPE_CHECKING:
    from pathlib import Path

SMALL = '[gate]\nrepository = "/srv/git/cloudstack.git"\nbuild = ["make"]\n'


def load(folder: Path, text: str) -> GateSettings | None:
    (folder / "qacloud.toml").write_text(text, encoding="utf-8")
    return load_gate(folder / "qacloud.toml")


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    assert load(tmp_path, SMALL) == GateSettings(
        repository="/srv/git/cloudstack.git", build=("make",), path=str(tmp_path / "qacloud.toml")
    )


def test_without_the_table_or_the_file_there_is_no_gate(tmp_path: Path) -> None:
    assert load_gate(tmp_path / "qacloud.toml") is None
    assert load(tmp_path, 'pool = "sim"\n') is None


def test_everything_can_be_said(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        'pool = "sim"\n' + SMALL + 'packages = "http://b/{tree}/"\nstaging = "next"\nstable = "release/4.22"\n'
        'listen = "10.0.0.5"\nsuites = ["bvt/", "more/"]\npools = "any:gate"\nparallel = 4\ntag = "ok/{commit}"\n'
        '[gate.mail]\nserver = "mail:587"\nsender = "qa@x"\nto = ["a@x", "b@x"]\nuser = "qa"\n'
        'password = {env = "MAIL_PASSWORD"}\n[gate.webhook]\nurl = "https://chat/hook"\nsecret = {env = "HOOK"}\n',
    )
    assert settings is not None
    assert (settings.stable, settings.parallel, settings.listen) == ("release/4.22", 4, "10.0.0.5")
    assert settings.mail is not None
    assert settings.mail.to == ("a@x", "b@x")
    assert isinstance(settings.mail.password, SecretRef)
    assert settings.webhook is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gate", "is not TOML"),
        ("[gate]\nbuild = ['x']\n", "repository"),
        ('[gate]\nrepository = "x"\n', "neither how to `build`"),
        (SMALL + 'stagin = "x"\n', 'did you mean "staging"?'),
        (SMALL + 'staging = "--upload-pack=x"\n', "a branch's name"),
        (SMALL + 'staging = "a..b"\n', "a branch's name"),
        (SMALL + 'staging = "stable"\n', "another branch than stable"),
        (SMALL + 'build = "make"\n', "must be a list"),
        (SMALL.replace('["make"]', "[]"), "build"),
        (SMALL + 'packages = "ftp://x/{commit}"\n', "http or https URL"),
        (SMALL + 'packages = "http://me:secret@x/{commit}"\n', "without a login"),
        (SMALL + 'packages = "http://x/latest"\n', "a place for what differs"),
        (SMALL + 'tag = "release"\n', "a place for what differs"),
        (SMALL + 'tag = "a b {commit}"\n', "a branch's name"),
        (SMALL + 'listen = "0.0.0.0"\n', "not all of them"),
        (SMALL + 'listen = "here"\n', "must be an IP address"),
        (SMALL + "parallel = 0\n", "parallel"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    text = text.replace('build = ["make"]\nbuild', "build")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert said in str(refused.value)
    assert "qacloud.toml" in str(refused.value)
    assert "secret" not in str(refused.value)
