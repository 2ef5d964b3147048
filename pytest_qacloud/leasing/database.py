"""The SQLite file behind a lease store: its place, permissions, transactions, and its errors in words."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from filelock import FileLock
from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from ..errors import ConfigError, LeaseError
from ..paths import state_dir
from . import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

BUSY_S = 10.0
"""How long a transaction waits for another's end; each lasts milliseconds."""

_BEGIN = "qacloud_begin"


def default_url() -> str:
    """SQLite in the user's state folder (`paths.state_dir`)."""
    return f"sqlite:///{state_dir() / 'leases.db'}"


class Database:
    """Transactions on one SQLite file; safe from several threads and processes.

    A folder that is made gets mode 0700, a file that is made 0600. For a database that several users share, somebody
    makes the folder, the file and the folder `<file>.locks` beforehand, with the permissions wanted.

    *Not guaranteed*: anything on a network file system, which knows no write-ahead log (https://sqlite.org/wal.html);
    and that an owner notices before its TTL is over that the file was removed or replaced under it.

    Args:
        url: `sqlite:///…`; nothing is opened or made before the first transaction.

    Raises:
        ConfigError: any other URL.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise ConfigError(f"the lease store {url!r} is not a URL such as sqlite:////var/lib/leases.db") from error
        if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
            raise ConfigError(
                f"the lease store {parsed.render_as_string()} is not supported: give a file, sqlite:////path/leases.db"
            )
        self.path = Path(str(parsed.database)).absolute()
        # A connection costs less than a millisecond and one kept open could not cross a fork, so none is kept.
        self._engine = create_engine(
            # `rw`: a file that was removed is an error, not a new and empty database.
            parsed.set(database=f"file:{quote(str(self.path))}", query={"mode": "rw", "uri": "true"}),
            poolclass=NullPool,
            connect_args={"timeout": BUSY_S},
        )
        event.listen(self._engine, "connect", _on_connect)
        event.listen(self._engine, "begin", _on_begin)
        self._guard = threading.Lock()
        self._ready = False

    @property
    def locks(self) -> Path:
        """The folder of lock files that goes with the database."""
        return self.path.with_name(f"{self.path.name}.locks")

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction with no other writer beside it from its first statement on; commits unless an error leaves.

        Raises:
            LeaseError: the database cannot be used, with the reason and what to do.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot; waits for nobody. Raises as `writing` does."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with self._errors():
            self._prepare()
            with self._begun(begin) as connection:
                yield connection

    @contextlib.contextmanager
    def _begun(self, begin: str) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            connection.execution_options(**{_BEGIN: begin})
            with connection.begin():
                yield connection

    def _prepare(self) -> None:
        with self._guard:
            if self._ready:
                return
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            with self._begun("BEGIN") as connection:
                current = schema.is_current(connection, str(self.path))
            if not current:
                self._upgrade()
            self._ready = True

    def _upgrade(self) -> None:
        with FileLock(self.path.with_name(f"{self.path.name}.upgrade.lock"), mode=0o600, timeout=BUSY_S * 6):
            with self._engine.connect() as connection, contextlib.closing(connection.connection.cursor()) as cursor:
                # Kept in the file; it cannot be set inside a transaction.
                cursor.execute("PRAGMA journal_mode = WAL")
            with self._begun("BEGIN IMMEDIATE") as connection:
                if not schema.is_current(connection, str(self.path)):
                    schema.upgrade(connection)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise LeaseError(f"the lease database {self.path} {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    text = str(cause)
    if "not a database" in text or "malformed" in text:
        return (
            f"is damaged ({text}). See that no run uses its pools, restore it or move it away: "
            "the next run makes a new one, whose epochs start again"
        )
    if "locked" in text:
        return f"was held by another process for more than {BUSY_S:.0f} s ({text}). Try again"
    return f"cannot be used ({text}). Check its folder, its permissions and the disk's free space"


def _on_connect(connection: Any, _record: Any) -> None:
    # The transactions are begun by `_on_begin`: Python's sqlite3 would begin them late, with the first write, when
    # what was read before may no longer hold.
    connection.isolation_level = None
    # WAL's usual NORMAL may lose the last commits in a power cut, and with them an epoch that a machine already bears.
    connection.execute("PRAGMA synchronous = FULL")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
