"""Aliases per world: an alias and each of its moves belong to the world of the version that they point to.

A home may hold several worlds. Until this revision they shared ``eta@champion``; from here on each has its own, and the database
itself refuses an alias that points to a version of another world. Existing aliases and moves take the world of the version that
they point to.

Revision ID: r0002
Revises: r0001
"""

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

_HISTORY = "alias_history"


def upgrade() -> None:
    """Add the world to aliases and their history, fill it from the versions, and put it into keys."""
    op.create_index("ix_versions_model_world_number", "versions", ["model", "world", "number"], unique=True)
    _let_history_be_filled()
    for table, number in (("aliases", "number"), (_HISTORY, "to_number")):
        op.add_column(table, sa.Column("world", sa.Text(), nullable=True))
        op.execute(
            f"UPDATE {table} SET world = (SELECT versions.world FROM versions "  # noqa: S608 - the names stand two lines above
            f"WHERE versions.model = {table}.model AND versions.number = {table}.{number})"
        )
    _key_aliases()
    _key_history()
    _protect_history()


def _key_aliases() -> None:
    with op.batch_alter_table("aliases") as batch:
        batch.alter_column("world", existing_type=sa.Text(), nullable=False)
        batch.drop_constraint("fk_aliases_model_number", type_="foreignkey")
        batch.drop_constraint("pk_aliases", type_="primary")
        batch.create_primary_key("pk_aliases", ["model", "world", "alias"])
        batch.create_foreign_key("fk_aliases_model_world_number", "versions", ["model", "world", "number"], ["model", "world", "number"])


def _key_history() -> None:
    op.drop_index("ix_alias_history_model_alias", _HISTORY)
    with op.batch_alter_table(_HISTORY) as batch:
        batch.alter_column("world", existing_type=sa.Text(), nullable=False)
        batch.drop_constraint("fk_alias_history_model_to_number", type_="foreignkey")
        batch.create_foreign_key(
            "fk_alias_history_model_world_to_number", "versions", ["model", "world", "to_number"], ["model", "world", "number"]
        )
    op.create_index("ix_alias_history_model_world_alias", _HISTORY, ["model", "world", "alias"])


def _let_history_be_filled() -> None:
    """Take away the triggers that refuse any change; ``_protect_history`` puts them back in the same transaction."""
    if op.get_bind().dialect.name == "sqlite":
        for event in ("update", "delete"):
            op.execute(f"DROP TRIGGER {_HISTORY}_refuses_{event}")
        return
    op.execute(f"DROP TRIGGER {_HISTORY}_is_append_only ON {_HISTORY}")


def _protect_history() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {_HISTORY}_refuses_{event.lower()} BEFORE {event} ON {_HISTORY} "
                f"BEGIN SELECT RAISE(ABORT, '{_HISTORY} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {_HISTORY}_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {_HISTORY} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_HISTORY}_is_append_only()"
    )
