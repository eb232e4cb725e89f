"""Feast's plugin for the packed online store; ``type:`` in ``feature_store.yaml`` names its dotted path.

Materialization does not come through here (the provider packs straight from Arrow); Feast's own writes, pushes and reads do.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from feast import Entity, FeatureView
from feast.feature_view import DUMMY_ENTITY_ID
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from pydantic import AwareDatetime

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.instants import Clock
from tradewind_features.online.backend import EntityKey, PackedRow, ViewSpec, open_backend
from tradewind_features.online.entity_keys import SINGLE_ENTITY, composite_key, key_name
from tradewind_features.online.packing import FieldType, PackedSchema, pack_rows
from tradewind_features.online.reader import OnlineReader, Presence
from tradewind_features.specs import spec_digest

_TYPES = {"DOUBLE": FieldType.FLOAT64, "INT64": FieldType.INT64, "BOOL": FieldType.BOOL, "STRING": FieldType.STRING}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


class PackedSqliteOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast ships no types
    """Settings of the packed online store in ``feature_store.yaml``."""

    type: Literal["tradewind_features.online.store.PackedSqliteOnlineStore"] = "tradewind_features.online.store.PackedSqliteOnlineStore"
    path: str = "online.db"
    """The SQLite file; one for each world."""
    materializations: str | None = None
    """Folder for the log of materializations; none is kept without it."""
    frozen_at: AwareDatetime | None = None
    """Instant of a frozen clock: ages refer to it, and a materialization forgets rows that nobody could have at its end."""

    @property
    def clock(self) -> Clock:
        """The clock that ttl asks."""
        return Clock.frozen(self.frozen_at) if self.frozen_at is not None else Clock()


class PackedSqliteOnlineStore(OnlineStore):  # type: ignore[misc]  # Feast ships no types
    """One packed row per view and entity in one SQLite file: WAL, no older event over a newer one, ttl kept at read."""

    def __init__(self) -> None:
        self._readers: dict[Path, OnlineReader] = {}

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],  # noqa: ARG002 - Feast's signature
        entities_to_keep: Sequence[Entity],  # noqa: ARG002 - Feast's signature
        partial: bool,  # noqa: ARG002 - Feast's signature
    ) -> None:
        """Declare the views that are kept and drop those that are deleted, in one transaction."""
        specs = [view_storage(view) for view in tables_to_keep]
        with open_backend(backend_location(config)) as backend, backend.transaction():
            for view in tables_to_delete:
                backend.drop(view.name)
            for spec in specs:
                backend.declare(spec)

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:  # noqa: ARG002 - Feast's signature
        """Delete the file with all its views."""
        path = store_path(config)
        for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            file.unlink(missing_ok=True)

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[tuple[EntityKeyProto, dict[str, ValueProto], dt.datetime, dt.datetime | None]],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write rows in one transaction; naive instants are UTC, and a row without a created time was created at its event."""
        spec = view_storage(table)
        packed = pack_rows(spec.schema, [{name: from_proto(value) for name, value in values.items()} for _, values, _, _ in data])
        rows: list[PackedRow] = [
            (_present_key(key, spec.view), microseconds(event), microseconds(created or event), row)
            for (key, _, event, created), row in zip(data, packed, strict=True)
        ]
        with open_backend(backend_location(config)) as backend, backend.transaction():
            backend.declare(spec)
            backend.write(spec.view, rows)
        if progress is not None:
            progress(len(rows))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[tuple[dt.datetime | None, dict[str, ValueProto] | None]]:
        """Values by entity, in order; ``(None, None)`` where the entity is absent or its row is past the view's ttl."""
        reader = self._readers.setdefault(store_path(config), OnlineReader(store_path(config)))
        rows = reader.read(table.name, [entity_key(key) for key in entity_keys], config.online_store.clock.now())
        types = dict(view_storage(table).schema.fields)
        wanted = [name for name in (requested_features or list(types)) if name in rows.values]
        events = rows.event_at.astype("int64")
        return [
            (_EPOCH + int(events[place]) * _MICROSECOND, {name: to_proto(rows.values[name][place], types[name]) for name in wanted})
            if rows.presence[place] == Presence.PRESENT
            else (None, None)
            for place in range(len(entity_keys))
        ]


def store_path(config: RepoConfig) -> Path:
    """Where the store's file stands; a relative path is relative to the feature repository."""
    path = Path(config.online_store.path)
    return path if path.is_absolute() or config.repo_path is None else Path(config.repo_path) / path


def backend_location(config: RepoConfig) -> str | Path:
    """What :func:`tradewind_features.online.backend.open_backend` opens for this configuration."""
    return store_path(config)


def view_storage(view: FeatureView) -> ViewSpec:
    """How a view is kept: its key, ttl and packed schema.

    Raises:
        SettingsError: a field's type can't be packed.
    """
    fields = []
    for field in view.features:
        kind = _TYPES.get(field.dtype.to_value_type().name)
        if kind is None:
            raise SettingsError(
                f"view {view.name}, field {field.name}: type {field.dtype} can't be packed; declare one of Float64, Int64, Bool, String"
            )
        fields.append((field.name, kind))
    keys = [column.name for column in view.entity_columns] or view.join_keys or [DUMMY_ENTITY_ID]
    ttl = view.ttl or dt.timedelta()
    return ViewSpec(view.name, key_name(keys), ttl // _MICROSECOND, PackedSchema(tuple(fields)), spec_digest(view))


def microseconds(instant: dt.datetime) -> int:
    """Microseconds since 1970 UTC; a naive instant is UTC."""
    zoned = instant if instant.tzinfo is not None else instant.replace(tzinfo=dt.UTC)
    return (zoned - _EPOCH) // _MICROSECOND


def entity_key(key: EntityKeyProto) -> EntityKey | None:
    """The store's key of Feast's; ``None`` where a join key is null.

    Raises:
        SettingsError: a join key is neither text nor an integer.
    """
    values = {name: from_proto(value) for name, value in zip(key.join_keys, key.entity_values, strict=True)}
    for name, value in values.items():
        if value is not None and not isinstance(value, str | int):
            raise SettingsError(f"join key {name}: a key is text or an integer (found: {type(value).__name__})")
    return composite_key(values) if values else SINGLE_ENTITY


def _present_key(key: EntityKeyProto, view: str) -> EntityKey:
    found = entity_key(key)
    if found is None:
        raise SettingsError(f"view {view}: a row without an entity key can't be written")
    return found


def from_proto(value: ValueProto) -> Any:
    """The Python value in a Feast value; ``None`` for null."""
    kind = value.WhichOneof("val")
    return None if kind is None or kind == "null_val" else getattr(value, kind)


def to_proto(value: Any, kind: FieldType) -> ValueProto:
    """A Feast value of ``kind``; NaN and ``None`` become null."""
    if value is None or value != value:  # NaN is not equal to itself
        return ValueProto()
    makers: Mapping[FieldType, Callable[[Any], ValueProto]] = {
        FieldType.FLOAT64: lambda v: ValueProto(double_val=float(v)),
        FieldType.INT64: lambda v: ValueProto(int64_val=int(v)),
        FieldType.BOOL: lambda v: ValueProto(bool_val=bool(v)),
        FieldType.STRING: lambda v: ValueProto(string_val=str(v)),
    }
    return makers[kind](value)
