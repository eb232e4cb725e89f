"""Overrules, intervals of metrics, and the shapes that drift is measured against.

Versions sealed before have none of the two documents: they stand as empty.

Revision ID: r0003
Revises: r0002
"""

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None

_TABLE = "overrules"


def upgrade() -> None:
    """Add two documents to versions, and the append-only table of overrules."""
    for name in ("intervals", "reference_shapes"):
        op.add_column("versions", sa.Column(name, sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    _create_overrules()
    _protect_overrules()


def _create_overrules() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        _TABLE,
        sa.Column("id", row_id, autoincrement=True, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("verdict_id", row_id, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_overrules"),
        sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"], name="fk_overrules_model_number"),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdicts.id"], name="fk_overrules_verdict_id"),
    )
    op.create_index("ix_overrules_model_number", _TABLE, ["model", "number"])


def _protect_overrules() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {_TABLE}_refuses_{event.lower()} BEFORE {event} ON {_TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{_TABLE} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {_TABLE}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_TABLE} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {_TABLE}_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {_TABLE} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_TABLE}_is_append_only()"
    )
