"""The first form: models, versions, verdicts, aliases with their history, audit.

Revision ID: r0001
Revises: nothing
"""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

_APPEND_ONLY = ("versions", "verdicts", "alias_history", "audit")


def upgrade() -> None:
    """Create the tables and the triggers that keep sealed rows as they are."""
    _models_and_versions()
    _verdicts_and_audit()
    _aliases()
    for table in _APPEND_ONLY:
        _protect(table)


def _instant(name: str) -> sa.Column[dt.datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _documents(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.JSON(), nullable=False) for name in names]


def _row_id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)


def _models_and_versions() -> None:
    op.create_table("models", *_texts("name"), _instant("created_at"), sa.PrimaryKeyConstraint("name", name="pk_models"))
    op.create_table(
        "versions",
        *_texts("model"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *_texts("inputs_key", "bundle_digest", "world", "purpose", "owner", "feature_service"),
        *_texts("training_set_digest", "entity_rows_digest", "commit", "lock_digest", "run_id", "created_by"),
        _instant("as_of"),
        _instant("created_at"),
        sa.Column("tree_clean", sa.Boolean(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        *_documents("bundle_files", "view_specs", "parameters", "metrics", "baselines", "calibration"),
        *_documents("differences", "slices", "importance", "quality", "gates", "limits", "facts"),
        sa.PrimaryKeyConstraint("model", "number", name="pk_versions"),
        sa.UniqueConstraint("model", "inputs_key", name="uq_versions_model_inputs_key"),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name="fk_versions_model"),
    )
    op.create_index("ix_versions_bundle_digest", "versions", ["bundle_digest"])


def _verdicts_and_audit() -> None:
    op.create_table(
        "verdicts",
        _row_id(),
        *_texts("model"),
        sa.Column("number", sa.Integer(), nullable=False),
        *_texts("gate"),
        sa.Column("passed", sa.Boolean(), nullable=False),
        *_texts("run_id"),
        _instant("recorded_at"),
        *_documents("verdict"),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
        sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"], name="fk_verdicts_model_number"),
    )
    op.create_index("ix_verdicts_model_number", "verdicts", ["model", "number"])
    op.create_table(
        "audit",
        _row_id(),
        _instant("at"),
        *_texts("who", "action", "subject", "run_id"),
        *_documents("detail"),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )


def _aliases() -> None:
    op.create_table(
        "aliases",
        *_texts("model", "alias"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("model", "alias", name="pk_aliases"),
        sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"], name="fk_aliases_model_number"),
    )
    op.create_table(
        "alias_history",
        _row_id(),
        *_texts("model", "alias", "action"),
        sa.Column("from_number", sa.Integer(), nullable=True),
        sa.Column("to_number", sa.Integer(), nullable=False),
        *_texts("who", "why", "run_id"),
        _instant("moved_at"),
        sa.PrimaryKeyConstraint("id", name="pk_alias_history"),
        sa.ForeignKeyConstraint(["model", "to_number"], ["versions.model", "versions.number"], name="fk_alias_history_model_to_number"),
    )
    op.create_index("ix_alias_history_model_alias", "alias_history", ["model", "alias"])


def _protect(table: str) -> None:
    # The names come from the constant above, never from outside.
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
    )
