"""Alembic's entry: runs the migrations on the connection, and in the transaction, that the registry hands it."""

from alembic import context

from tradewind_registry.schema import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
