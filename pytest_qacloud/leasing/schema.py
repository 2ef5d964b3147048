"""The lease database's tables, and how an older one is brought up to them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
)

from ..errors import LeaseError

if TYPE_CHECKING:
    from sqlalchemy import Connection

REVISIONS = ("0001",)
"""All revisions under `migrations/versions`, oldest first; the last is what `METADATA` describes."""

METADATA = MetaData()

POOLS = Table(
    "pools",
    METADATA,
    Column("name", String, primary_key=True),
    # Stands apart from the leases, so that no end of a lease, not even a deleted row, makes an epoch come twice.
    Column("epoch", Integer, nullable=False),
)

TICKETS = Table(
    "tickets",
    METADATA,
    Column("place", Integer, primary_key=True),
    Column("token_hash", String, nullable=False, unique=True),
    Column("pools", JSON, nullable=False),
    Column("owner", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("ttl_s", Float, nullable=False),
    Column("detached", Boolean, nullable=False),
    Column("host", String, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("seen_steady", Float, nullable=False),
    sqlite_autoincrement=True,
)

LEASES = Table(
    "leases",
    METADATA,
    Column("pool", String, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("token_hash", String, nullable=False, unique=True),
    Column("owner", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("ttl_s", Float, nullable=False),
    Column("detached", Boolean, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("host", String, nullable=False),
    Column("acquired_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("expires_steady", Float, nullable=False),
)

HISTORY = Table(
    "history",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("pool", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("owner", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("acquired_at", Float, nullable=False),
    Column("ended_at", Float, nullable=False),
    Column("ending", String, nullable=False),
    Index("history_pool_epoch", "pool", "epoch"),
)

MARKS = Table(
    "marks",
    METADATA,
    Column("pool", String, primary_key=True),
    Column("machine", String, primary_key=True),
    Column("step", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("at", Float, nullable=False),
)

VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, as it would make it: importing alembic takes longer than a whole lease."""


def revision(connection: Connection) -> str | None:
    """The revision a database is at; `None` for a new one."""
    if not inspect(connection).has_table(VERSION.name):
        return None
    return connection.execute(select(VERSION.c.version_num)).scalar_one_or_none()


def is_current(connection: Connection, where: str) -> bool:
    """Whether the database needs no upgrade.

    Args:
        where: the database, for the message.

    Raises:
        LeaseError: it was written by a newer version of this package.
    """
    found = revision(connection)
    if found is not None and found not in REVISIONS:
        raise LeaseError(
            f"the lease database {where} has schema {found}, and this pytest-qacloud knows up to {REVISIONS[-1]}: "
            "it was written by a newer one. Upgrade pytest-qacloud here, as all who share pools must share the database"
        )
    return found == REVISIONS[-1]


_ONE_AT_A_TIME = threading.Lock()
"""Alembic's scripts talk to one context of the whole process, also where two threads upgrade two databases."""


def upgrade(connection: Connection) -> None:
    """Bring the database to the newest revision, within the connection's transaction; an empty one at once."""
    if not inspect(connection).get_table_names():
        METADATA.create_all(connection, checkfirst=False)
        VERSION.create(connection, checkfirst=False)
        connection.execute(insert(VERSION).values(version_num=REVISIONS[-1]))
        return
    migrate(connection)


def migrate(connection: Connection) -> None:
    """Run the revisions that the database has not seen."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "pytest_qacloud.leasing:migrations")
    config.attributes["connection"] = connection
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")
