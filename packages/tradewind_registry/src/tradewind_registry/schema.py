"""The tables of the registry, typed. Rows of versions, verdicts, history and audit are written once, never changed."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tradewind_registry.records import as_utc

HEAD_REVISION = "r0003"
"""The newest migration; a test holds it equal to the one in ``migrations/``."""

APPEND_ONLY = ("versions", "verdicts", "overrules", "alias_history", "audit")
"""Tables whose rows a trigger of the database protects from UPDATE and DELETE."""


class Instant(TypeDecorator[dt.datetime]):
    """A zoned instant, stored in UTC; SQLite has no zones, so the type puts UTC back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """UTC on the way in."""
        if value is None:
            return None
        utc = as_utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """UTC on the way out, whatever the session's zone."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if dialect.name == "sqlite" else as_utc(value)


# SQLite numbers rows by itself only for the type INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The registry's tables; constraints carry fixed names so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text, dict[str, Any]: JSON, list[Any]: JSON, dt.datetime: Instant}  # noqa: RUF012 - SQLAlchemy's form


class ModelRow(Base):
    """A model: the row that writers lock, so that numbers are dense and moves come one after another."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[dt.datetime]


class VersionRow(Base):
    """A version; columns as in ``records.Version``."""

    __tablename__ = "versions"
    __table_args__ = (
        UniqueConstraint("model", "inputs_key"),
        ForeignKeyConstraint(["model"], ["models.name"]),
        # What aliases refer to: so the database itself keeps an alias within its world.
        Index("ix_versions_model_world_number", "model", "world", "number", unique=True),
    )

    model: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    inputs_key: Mapped[str]
    bundle_digest: Mapped[str] = mapped_column(index=True)
    bundle_files: Mapped[dict[str, Any]]
    world: Mapped[str]
    purpose: Mapped[str]
    owner: Mapped[str]
    feature_service: Mapped[str]
    view_specs: Mapped[dict[str, Any]]
    training_set_digest: Mapped[str]
    entity_rows_digest: Mapped[str]
    as_of: Mapped[dt.datetime]
    commit: Mapped[str]
    tree_clean: Mapped[bool]
    lock_digest: Mapped[str]
    run_id: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[dt.datetime]
    parameters: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    metrics: Mapped[dict[str, Any]]
    baselines: Mapped[dict[str, Any]]
    differences: Mapped[dict[str, Any]]
    slices: Mapped[dict[str, Any]]
    calibration: Mapped[dict[str, Any]]
    importance: Mapped[dict[str, Any]]
    quality: Mapped[list[Any]]
    gates: Mapped[list[Any]]
    limits: Mapped[list[Any]]
    facts: Mapped[dict[str, Any]]
    # Since r0003, which gave the rows before it an empty document.
    intervals: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    reference_shapes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class VerdictRow(Base):
    """A gate's outcome; the one with the highest ``id`` counts, whatever the clock said."""

    __tablename__ = "verdicts"
    __table_args__ = (
        ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
        Index("ix_verdicts_model_number", "model", "number"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    model: Mapped[str]
    number: Mapped[int]
    gate: Mapped[str]
    passed: Mapped[bool]
    run_id: Mapped[str]
    recorded_at: Mapped[dt.datetime]
    verdict: Mapped[dict[str, Any]]
    """The whole ``contracts.verdicts.Verdict``."""


class OverruleRow(Base):
    """A person's word against one failed verdict, until it expires; a later verdict of the gate is not meant by it."""

    __tablename__ = "overrules"
    __table_args__ = (
        ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
        ForeignKeyConstraint(["verdict_id"], ["verdicts.id"]),
        Index("ix_overrules_model_number", "model", "number"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    model: Mapped[str]
    number: Mapped[int]
    gate: Mapped[str]
    verdict_id: Mapped[int] = mapped_column(RowId)
    who: Mapped[str]
    why: Mapped[str]
    recorded_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]


class AliasRow(Base):
    """Where an alias of a world points now: to a version of that world."""

    __tablename__ = "aliases"
    __table_args__ = (ForeignKeyConstraint(["model", "world", "number"], ["versions.model", "versions.world", "versions.number"]),)

    model: Mapped[str] = mapped_column(primary_key=True)
    world: Mapped[str] = mapped_column(primary_key=True)
    alias: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class AliasHistoryRow(Base):
    """One move of an alias; in order of ``id``."""

    __tablename__ = "alias_history"
    __table_args__ = (
        ForeignKeyConstraint(["model", "world", "to_number"], ["versions.model", "versions.world", "versions.number"]),
        Index("ix_alias_history_model_world_alias", "model", "world", "alias"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    model: Mapped[str]
    world: Mapped[str]
    alias: Mapped[str]
    action: Mapped[str]
    from_number: Mapped[int | None]
    to_number: Mapped[int]
    who: Mapped[str]
    why: Mapped[str]
    run_id: Mapped[str]
    moved_at: Mapped[dt.datetime]


class AuditRow(Base):
    """Something that was done or refused, in order of ``id``."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    at: Mapped[dt.datetime]
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    run_id: Mapped[str]
    detail: Mapped[dict[str, Any]]
