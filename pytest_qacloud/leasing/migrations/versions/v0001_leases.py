"""Pools, the line, leases, their history, and marked machines."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "pools",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
    )
    op.create_table(
        "tickets",
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("token_hash", sa.String, nullable=False, unique=True),
        sa.Column("pools", sa.JSON, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("ttl_s", sa.Float, nullable=False),
        sa.Column("detached", sa.Boolean, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("seen_steady", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "leases",
        sa.Column("pool", sa.String, primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("token_hash", sa.String, nullable=False, unique=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("ttl_s", sa.Float, nullable=False),
        sa.Column("detached", sa.Boolean, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("acquired_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("expires_steady", sa.Float, nullable=False),
    )
    op.create_table(
        "history",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pool", sa.String, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("acquired_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float, nullable=False),
        sa.Column("ending", sa.String, nullable=False),
    )
    op.create_index("history_pool_epoch", "history", ["pool", "epoch"])
    op.create_table(
        "marks",
        sa.Column("pool", sa.String, primary_key=True),
        sa.Column("machine", sa.String, primary_key=True),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
