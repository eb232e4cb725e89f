"""Arrow rows as the packed rows of an online store."""

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa

from tradewind_contracts.errors import SourceError
from tradewind_features.online.backend import PackedRow, ViewSpec
from tradewind_features.online.entity_keys import composite_keys
from tradewind_features.online.packing import FieldType, pack_columns

KEY, VALUE = "key ", "value "
"""Prefixes of the columns of join keys and of features, so that neither is mistaken for another, or for a time."""

_ARROW = {FieldType.FLOAT64: pa.float64(), FieldType.INT64: pa.int64(), FieldType.BOOL: pa.bool_(), FieldType.STRING: pa.string()}


class _Columns(Protocol):
    """An Arrow table or batch."""

    num_rows: int

    def column(self, name: str) -> Any: ...


def packed_rows(spec: ViewSpec, rows: _Columns, where: str) -> list[PackedRow]:
    """Rows of join keys and features (by name, prefixed), ``event_us`` and ``created_us``, packed; no key is null. ``where`` names them in errors.

    Raises:
        SourceError: a value does not fit its declared type, such as 1.5 where an integer is declared.
    """
    keys = composite_keys({name: rows.column(KEY + name).to_pylist() for name in spec.key_name.split(",")})
    stamps = [rows.column(name).to_pylist() for name in ("event_us", "created_us")]
    packed = pack_columns(spec.schema, _typed(spec, rows, where), rows.num_rows)
    return list(zip(keys, *stamps, packed, strict=True))  # type: ignore[arg-type]  # no key is null


def _typed(spec: ViewSpec, rows: _Columns, where: str) -> "Mapping[str, pa.Array[Any]]":
    columns = {}
    for name, kind in spec.schema.fields:
        try:
            columns[name] = rows.column(VALUE + name).cast(_ARROW[kind])
        except pa.ArrowException as error:
            raise SourceError(
                f"view {spec.view}, column {name}: a value in {where} does not fit the declared {kind.value} ({error}); mend the one or the other"
            ) from error
    return columns
