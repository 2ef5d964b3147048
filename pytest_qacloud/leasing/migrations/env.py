"""Run by alembic with the connection that `schema.upgrade` hands over, inside its transaction."""

from alembic import context

from pytest_qacloud.leasing.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
