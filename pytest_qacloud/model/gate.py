"""What the gate works on and by: values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .secret import SecretRef


@dataclass(frozen=True, slots=True)
class Unit:
    """One first-parent commit between stable and staging; a merge is one unit with all that it brings.

    Args:
        commit: full id.
        patch_id: what `git patch-id --stable` makes of its change against its first parent; empty for an empty change.
        author: name and address.
        at: author's date, UNIX seconds.
        paths: files that it changes.
        merge: it has several parents.
    """

    commit: str
    patch_id: str
    author: str
    at: float
    subject: str
    paths: tuple[str, ...] = ()
    merge: bool = False


@dataclass(frozen=True, slots=True)
class Composed:
    """Units put onto a base.

    Args:
        commit: with them on top; the same units on the same base give the same commit, in any process.
        tree: its tree's id, which verdicts are bound to.
    """

    commit: str
    tree: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A unit that does not apply without those that are missing.

    Args:
        commit: the unit's.
        paths: where it does not apply.
    """

    commit: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mail:
    """Where to send mail about a gate's end.

    Args:
        server: host and port of an SMTP server; the connection is encrypted by STARTTLS before anybody logs in.
        user, password: `None` sends without a login.
    """

    server: str
    sender: str
    to: tuple[str, ...]
    user: str | None = None
    password: SecretRef | None = None
    encrypted: bool = True


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that is told of a gate's end.

    Args:
        secret: signs the body (HMAC with SHA-256); `None` sends it unsigned.
    """

    url: str
    secret: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class GateSettings:
    """`[gate]` of qacloud.toml.

    Args:
        repository: path or URL.
        staging, stable: branches.
        build: command that builds a commit, in a clean work tree of it; empty where `packages` says where builds are.
        packages: URL of a build's package repository, with `{commit}` and `{tree}` in it; `None` serves what `build`
            left in its output folder.
        listen: address that this machine serves builds on, which the rack can reach.
        suites: what gates, as pytest takes it.
        pools: what child runs lease; `None` for the pools of the run that asks.
        parallel: child runs at a time.
        attempts: of a run that says nothing.
        run_limit_s: seconds that a child run may take.
        tag: name of a promotion's tag, with `{date}` and `{commit}` in it.
    """

    repository: str
    staging: str = "staging"
    stable: str = "stable"
    build: tuple[str, ...] = ()
    build_limit_s: float = 7200.0
    packages: str | None = None
    listen: str = "127.0.0.1"
    suites: tuple[str, ...] = ("bvt/",)
    pools: str | None = None
    parallel: int = 1
    attempts: int = 3
    run_limit_s: float = 86400.0
    tag: str = "qacloud/{date}-{commit}"
    mail: Mail | None = None
    webhook: Webhook | None = None
    path: str = ""
