"""Arrow rows as the packed rows of an online store."""

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa

from tradewind_contracts.errors import SourceError
from tradewind_features.online.backend import PackedRow, ViewSpec
from tradewind_features.online.entity_keys import composite_keys
from tradewind_features.online.packing import PackedSchema, pack_columns

KEY, VALUE = "key ", "value "
"""Prefixes of the columns of join keys and of features, so that neither is mistaken for another, or for a time."""


class _Columns(Protocol):
    """An Arrow table or batch."""

    @property
    def num_rows(self) -> int: ...

    def column(self, name: str) -> Any: ...


def packed_rows(spec: ViewSpec, rows: _Columns, where: str) -> list[PackedRow]:
    """Rows of join keys and features (by name, prefixed), ``event_us`` and ``created_us``, packed; no key is null. ``where`` names them in errors.

    Raises:
        SourceError: a value does not fit its declared type, such as 1.5 where an integer is declared.
    """
    keys = composite_keys({name: rows.column(KEY + name).to_pylist() for name in spec.key_name.split(",")})
    stamps = [rows.column(name).to_pylist() for name in ("event_us", "created_us")]
    packed = _packed(spec, rows, where)
    return list(zip(keys, *stamps, packed, strict=True))


def _packed(spec: ViewSpec, rows: _Columns, where: str) -> list[bytes]:
    columns = {name: rows.column(VALUE + name) for name in spec.schema.names}
    try:
        return pack_columns(spec.schema, columns, rows.num_rows)
    except pa.ArrowException as error:
        raise _named(spec, columns, rows.num_rows, where, error) from error


def _named(spec: ViewSpec, columns: Mapping[str, Any], rows: int, where: str, error: Exception) -> SourceError:
    """The same refusal with the name of the first column that can't be packed."""
    for field in spec.schema.fields:
        try:
            pack_columns(PackedSchema((field,)), columns, rows)
        except pa.ArrowException as own:
            name, kind = field
            return SourceError(
                f"view {spec.view}, column {name}: a value in {where} does not fit the declared {kind.value} ({own}); mend the one or the other"
            )
    return SourceError(f"view {spec.view}: a row in {where} can't be packed ({error})")
