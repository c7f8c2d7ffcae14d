"""Alembic's entry: it works on the connection that `database.migrate` hands it."""

from alembic import context

from hotline.store.schema import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
