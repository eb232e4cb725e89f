"""What a pushed record must be, and when it was known.

A record comes as Feast hands it over: join keys, features, event time, and a created time or none. It is checked against the view and
its source, and stamped: one without a created time was created when it was pushed, by the store's clock. Nothing is known before it
happened or after it was pushed: event ≤ created ≤ now.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_contracts.errors import QualityError
from tradewind_contracts.instants import iso
from tradewind_features.datasets import PUSHED, Dataset

if TYPE_CHECKING:
    from feast import FeatureView

STAMP = pa.timestamp("us", tz="UTC")

_DECLARED: dict[str, pa.DataType] = {
    "STRING": pa.string(),
    "INT32": pa.int32(),
    "INT64": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "BOOL": pa.bool_(),
    "UNIX_TIMESTAMP": STAMP,
}


@dataclass(frozen=True)
class RecordForm:
    """What the records of one view look like: Arrow type by column of its source, and which columns a record must have.

    ``declared``: the types that the view declares, which the online store keeps values in. ``created`` is ``None`` if the source has no such column: its rows are created when they happen.
    """

    view: str
    columns: Mapping[str, pa.DataType]
    declared: Mapping[str, pa.DataType]
    keys: tuple[str, ...]
    features: tuple[str, ...]
    event: str
    created: str | None
    named: Mapping[str, str]  # the source's column by the view's name of it

    @classmethod
    def of(cls, view: "FeatureView", dataset: Dataset | None) -> "RecordForm":
        """The form of a view's records; types are those of its source's newest file, or as declared where there is none yet."""
        source = view.batch_source
        named = {feature: column for column, feature in (source.field_mapping or {}).items()}
        fields = [*view.entity_columns, *view.features]
        declared: dict[str, pa.DataType] = {
            named.get(field.name, field.name): _DECLARED.get(field.dtype.to_value_type().name, pa.null()) for field in fields
        }
        declared[source.timestamp_field] = STAMP
        if source.created_timestamp_column:
            declared[source.created_timestamp_column] = STAMP
        held = {} if dataset is None else _types(dataset)
        return cls(
            view=view.name,
            columns=declared | held,
            declared=declared,
            keys=tuple(named.get(field.name, field.name) for field in view.entity_columns),
            features=tuple(named.get(field.name, field.name) for field in view.features),
            event=source.timestamp_field,
            created=source.created_timestamp_column or None,
            named=named,
        )

    def stamped(self, records: pa.Table, now: dt.datetime) -> pa.Table:
        """``records`` by the source's column names, in its types, each with the instant from which it was known.

        Instants are UTC (naive ones are taken so, text is ISO 8601), cut to microseconds. The names may be the view's or the source's.

        Raises:
            QualityError: a column is missing, unknown or of a wrong type; a key or an event is null; a record is from the future.
        """
        renamed = records.rename_columns([self.named.get(name, name) for name in records.column_names])
        self._refuse_other_columns(renamed.column_names)
        if self.created and self.created not in renamed.column_names:
            renamed = renamed.append_column(self.created, pa.nulls(renamed.num_rows, STAMP))
        columns: dict[str, Any] = {name: self._typed(name, renamed.column(name)) for name in self.columns if name in renamed.column_names}
        columns[self.event] = self._instants(self.event, columns[self.event])
        if self.created:
            columns[self.created] = pc.coalesce(self._instants(self.created, columns[self.created]), pa.scalar(now, STAMP))
        stamped = pa.table(columns)
        self._refuse_other_times(stamped, now)
        return stamped

    def as_the_source_has_it(self, stamped: pa.Table) -> pa.Table:
        """Stamped records with instants in the source's own types."""
        for name in (self.event, self.created):
            if name is not None:
                stamped = stamped.set_column(
                    stamped.column_names.index(name), name, stamped.column(name).cast(_instant_type(self.columns[name]))
                )
        return stamped

    def _refuse_other_columns(self, found: list[str]) -> None:
        required = {*self.keys, *self.features, self.event}
        missing, unknown = sorted(required - set(found)), sorted(set(found) - set(self.columns))
        twice = sorted({name for name in found if found.count(name) > 1})
        problems = [f"{word} {', '.join(names)}" for word, names in (("missing", missing), ("unknown", unknown), ("twice", twice)) if names]
        if problems:
            raise QualityError(
                f"push to view {self.view}: columns {'; '.join(problems)} (a record has: {', '.join(self.columns)}); nothing was written"
            )

    def _typed(self, name: str, values: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
        wanted = self.columns[name]
        if name in (self.event, self.created) or wanted == pa.null():
            return values
        declared = self.declared.get(name, wanted)
        try:
            # As the view declares it first: what the online store could not take must not stand in the log, to be materialized.
            served = values.cast(declared)
            return served if served.type == wanted else values.cast(wanted)
        except pa.ArrowException as error:
            raise QualityError(
                f"push to view {self.view}, column {name}: {values.type} does not fit the declared {declared} ({error}); nothing was written"
            ) from error

    def _instants(self, name: str, values: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
        kind = values.type
        try:
            if pa.types.is_string(kind) or pa.types.is_large_string(kind):
                values = pa.chunked_array([pa.array([None if text is None else _parsed(text) for text in values.to_pylist()], STAMP)])
            elif not (pa.types.is_timestamp(kind) or pa.types.is_null(kind)):
                raise pa.ArrowInvalid(f"{kind} is no instant")
            return values.cast(pa.timestamp("us", kind.tz if pa.types.is_timestamp(kind) else "UTC"), safe=False).cast(STAMP)
        except (pa.ArrowException, ValueError) as error:
            raise QualityError(
                f"push to view {self.view}, column {name}: an instant is expected, zoned or in UTC ({error}); nothing was written"
            ) from error

    def _refuse_other_times(self, stamped: pa.Table, now: dt.datetime) -> None:
        for name in (*self.keys, self.event):
            if stamped.column(name).null_count:
                raise QualityError(f"push to view {self.view}, column {name}: a record without it; nothing was written")
        created = self.created or self.event
        for name, limit, what in (
            (created, pa.scalar(now, STAMP), f"the clock's {iso(now)}"),
            (self.event, stamped.column(created), f"its {created}"),
        ):
            late = pc.greater(stamped.column(name), limit)
            if pc.any(late).as_py():
                first = stamped.column(name).filter(late)[0].as_py()
                raise QualityError(
                    f"push to view {self.view}, column {name}: {iso(first)} lies after {what}; nobody knows a record before it is so; nothing was written"
                )


def _types(dataset: Dataset) -> dict[str, pa.DataType]:
    own = [part for part in dataset.parts if not part.name.startswith(PUSHED)]
    return {field.name: field.type for field in pq.read_schema(own[-1].path)}


def _instant_type(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp("us", kind.tz) if pa.types.is_timestamp(kind) else STAMP


def _parsed(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
