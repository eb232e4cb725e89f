"""Between Feast's objects and the store's: how a view is kept, an entity's key, and the values in Feast's protos."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from feast import FeatureView, OnDemandFeatureView
from feast.feature_view import DUMMY_ENTITY_ID
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto

from tradewind_contracts.errors import SettingsError
from tradewind_features.online.backend import EntityKey, ViewSpec
from tradewind_features.online.entity_keys import composite_key, key_name
from tradewind_features.online.packing import FieldType, PackedSchema
from tradewind_features.specs import spec_digest

_TYPES = {
    "DOUBLE": FieldType.FLOAT64,
    "FLOAT": FieldType.FLOAT32,
    "INT64": FieldType.INT64,
    "INT32": FieldType.INT32,
    "BOOL": FieldType.BOOL,
    "STRING": FieldType.STRING,
    "BYTES": FieldType.BYTES,
    "UNIX_TIMESTAMP": FieldType.TIMESTAMP,
}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_SECOND = dt.timedelta(seconds=1)


def view_storage(view: FeatureView | OnDemandFeatureView) -> ViewSpec:
    """How a view is kept: its key, ttl, packed schema and the digest of its definition.

    Raises:
        SettingsError: a field's type can't be packed, or the view has no source.
    """
    if isinstance(view, FeatureView) and view.batch_source is None:
        raise SettingsError(f"view {view.name}: it has no batch source; declare where its rows come from")
    fields = tuple((field.name, _packed_type(view.name, field.name, field.dtype)) for field in view.features)
    keys = [column.name for column in view.entity_columns] or getattr(view, "join_keys", None) or [DUMMY_ENTITY_ID]
    ttl = getattr(view, "ttl", None) or dt.timedelta()  # an on-demand view that is kept online has none
    return ViewSpec(view.name, key_name(keys), ttl // _MICROSECOND, PackedSchema(fields), spec_digest(view))


def _packed_type(view: str, field: str, dtype: Any) -> FieldType:
    kind = _TYPES.get(dtype.to_value_type().name)
    if kind is None:
        there = "Float64, Float32, Int64, Int32, Bool, String, Bytes, UnixTimestamp"
        raise SettingsError(f"view {view}, field {field}: type {dtype} can't be packed; declare one of {there}")
    return kind


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
        if value is not None and (not isinstance(value, str | int) or isinstance(value, bool)):
            raise SettingsError(f"join key {name}: a key is text or an integer (found: {type(value).__name__})")
    return composite_key(values)


def present_key(key: EntityKeyProto, view: str) -> EntityKey:
    """The store's key of a row that is to be written.

    Raises:
        SettingsError: a join key is null, or neither text nor an integer.
    """
    found = entity_key(key)
    if found is None:
        raise SettingsError(f"view {view}: a row without an entity key can't be written (join keys: {', '.join(key.join_keys)})")
    return found


def from_proto(value: ValueProto) -> Any:
    """The Python value in a Feast value; ``None`` for null, a zoned datetime for an instant."""
    kind = value.WhichOneof("val")
    if kind is None or kind == "null_val":
        return None
    found = getattr(value, kind)
    return _EPOCH + found * _SECOND if kind == "unix_timestamp_val" else found


_MAKERS: Mapping[FieldType, Callable[[Any], ValueProto]] = {
    FieldType.FLOAT64: lambda value: ValueProto(double_val=value),
    FieldType.FLOAT32: lambda value: ValueProto(float_val=value),
    FieldType.INT64: lambda value: ValueProto(int64_val=value),
    FieldType.INT32: lambda value: ValueProto(int32_val=value),
    FieldType.BOOL: lambda value: ValueProto(bool_val=value),
    FieldType.STRING: lambda value: ValueProto(string_val=value),
    FieldType.BYTES: lambda value: ValueProto(bytes_val=value),
    FieldType.TIMESTAMP: lambda value: ValueProto(unix_timestamp_val=(value - _EPOCH) // _SECOND),
}


def to_proto(value: Any, kind: FieldType | None) -> ValueProto:
    """A Feast value of ``kind``; ``None`` and what has no kind become null, NaN stays NaN. Feast keeps instants in whole seconds."""
    return ValueProto() if value is None or kind is None else _MAKERS[kind](value)


def instant(event_us: int) -> dt.datetime:
    """The instant (UTC) of microseconds since 1970."""
    return _EPOCH + event_us * _MICROSECOND
