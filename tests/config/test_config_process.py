"""Pool files of kind `process`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pool_texts import POOLS

from pytest_qacloud.config import describe, parse_pool
from pytest_qacloud.errors import ConfigError
from pytest_qacloud.model import (
    AdminLogin,
    Command,
    Hypervisor,
    LeaseSettings,
    ProcessPool,
    ProcessRecipe,
    Ready,
    SecretRef,
    Server,
    Timeouts,
)

SMALL = """
name = "local"
[management]
user = "admin"
password = { env = "P" }
[process]
repository = "src"
[process.start]
argv = ["./server", "{port.api}"]
[process.ready]
port = "api"
limit_s = 5
"""


def read(text: str) -> ProcessPool:
    pool = parse_pool(text, file=Path("/pools/local.toml"))
    assert isinstance(pool, ProcessPool)
    return pool


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


def edited(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new, 1)


def test_what_may_be_left_out_has_a_default() -> None:
    pool = read(SMALL)

    assert pool == ProcessPool(
        name="local",
        management=AdminLogin("admin", SecretRef("env", "P")),
        process=ProcessRecipe(
            repository="/pools/src", start=Server(("./server", "{port.api}")), ready=Ready(5, port="api")
        ),
        path="/pools/local.toml",
    )
    assert pool.process.ports == ("api",)
    assert pool.hypervisor is Hypervisor.SIMULATOR


def test_the_example_is_read_whole() -> None:
    file = POOLS / "simulator.toml"

    pool = parse_pool(file.read_text(encoding="utf-8"), file=file)

    assert isinstance(pool, ProcessPool)
    assert pool.process.repository == str(Path("~/src/cloudstack").expanduser())
    assert pool.process.stop == Command(("FILL-IN", "stop the management server, drop the databases"), 120)
    assert pool.process.env["CLOUDSTACK_DATABASE"] == "{database}"
    assert pool.timeouts == Timeouts()
    assert pool.lease == LeaseSettings()


def test_it_is_described_as_its_file_has_it() -> None:
    shown = describe(read(SMALL))

    assert shown["process"]["start"] == {"argv": ["./server", "{port.api}"]}
    assert shown["process"]["ready"] == {"limit_s": 5, "port": "api"}
    assert shown["management"] == {"user": "admin", "password": {"env": "P"}}
    assert not {"path", "hypervisor", "machines"} & set(shown)


@pytest.mark.parametrize(
    "repository", ["https://git.example.org/x.git", "ssh://git@example.org/x", "git@example.org:a/b.git", "/srv/git/x"]
)
def test_repositories_are_urls_or_paths(repository: str) -> None:
    assert read(edited('"src"', f'"{repository}"')).process.repository == repository


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("limit_s", "limits", 'local.toml:12: process.ready.limits: unknown key; did you mean "limit_s"?'),
        ("[process.start]", "[process.starts]", 'unknown key; did you mean "start"?'),
        ('user = "admin"', 'user = "admin"\nport = 8080', "local.toml:5: management.port: unknown key here"),
        ('password = { env = "P" }', 'password = "secret"', "secrets are not written into pool files"),
        ('"src"', '"--upload-pack=x"', "begins with a dash"),
        ('"src"', '"ext::sh -c x"', "names a helper program of git"),
        ('"src"', '"https://me:pw@example.org/x"', "has a login in it"),
        ('["./server", "{port.api}"]', '"./server {port.api}"', "must be a list, one text an argument"),
        ('["./server", "{port.api}"]', "[]", "must begin with a program"),
        ('["./server", "{port.api}"]', '["a", 1]', "must be text in quotes"),
        (
            "{port.api}",
            "{port.app}",
            "local.toml:9: process.start.argv[1]: {port.app} stands for nothing; did you mean",
        ),
        ("{port.api}", "{user}", "there are commit, database, work, worktree, port.api"),
        ("{port.api}", "{", "a { stands alone; write {{"),
        ('port = "api"', 'port = "sql"', '"sql" is none of process.ports (api)'),
        ('port = "api"', "", 'must say either url = "…" or port = "…"'),
        ('port = "api"', 'port = "api"\nurl = "http://127.0.0.1"', 'must say either url = "…" or port = "…"'),
        ('port = "api"', 'url = "http://127.0.0.1:{port}"', "{port} stands for nothing"),
        ("limit_s = 5", "limit_s = 0", "process.ready.limit_s"),
        ('"src"', '"src"\nports = ["sql"]', 'must have "api" in it'),
        ('"src"', '"src"\nports = ["api", "api"]', "has a name twice"),
        ('"src"', '"src"\nports = ["api", "{x}"]', "must be a list of names"),
        ('"src"', '"src"\nenv = "x"', "must be a table of variables"),
        ('"src"', '"src"\nenv = { "A B" = "x" }', "is no variable's name"),
        ('"src"', '"src"\nenv = { GIT_DIR = "x" }', "GIT_DIR would reach no command"),
        ('"src"', '"src"\nenv = { A = "{port.x}" }', "process.env.A: {port.x} stands for nothing"),
        ('"src"', '"src"\nbuild = { argv = ["make"] }', "limit_s"),
        ('name = "local"', 'name = "local"\nhypervisor = "kvm"', "unknown key"),
        ("[process]", "[timeouts]\ninstalled_s = 5\n[process]", "timeouts.installed_s: unknown key"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(old: str, new: str, words: str) -> None:
    assert words in refusal(edited(old, new))
