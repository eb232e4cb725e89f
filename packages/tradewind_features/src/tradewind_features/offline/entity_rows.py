"""The rows that features are asked for: keys and instants taken from a data frame, the answer to a query, or the sources themselves."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from tradewind_contracts.errors import SettingsError
from tradewind_features.datasets import type_family
from tradewind_features.offline.engine import Engine

EVENT_TIMESTAMP = "event_timestamp"
"""The instant's column, if there is one of this name; else the only column of timestamps (as in Feast)."""
NANOS = 1000
Unit = Literal["us", "ns"]

_LEAST, _MOST = np.iinfo(np.int64).min // NANOS + 1, np.iinfo(np.int64).max // NANOS - 1


@dataclass
class EntityRows:
    """Rows to be given features, in their order.

    Attributes:
        frame: the rows as given.
        time_column: the column of instants.
        microseconds: int64 [n], instants since 1970 in UTC, rounded down; meaningless where not ``known``.
        nanoseconds: int16 [n] beyond them (0 to 999), or ``None`` where all are 0.
        known: bool [n], false where the instant is null.
    """

    frame: pd.DataFrame | pa.Table
    time_column: str
    microseconds: npt.NDArray[np.int64]
    nanoseconds: npt.NDArray[np.int16] | None
    known: npt.NDArray[np.bool_]
    _keys: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.microseconds)

    @property
    def columns(self) -> list[str]:
        """Names of the columns given, in order."""
        return [str(name) for name in (self.frame.columns if isinstance(self.frame, pd.DataFrame) else self.frame.column_names)]

    def span(self) -> tuple[int, int] | None:
        """First and last instant in microseconds (the last rounded up); ``None`` without any."""
        some = self.microseconds[self.known]
        return (int(some.min()), int(some.max()) + 1) if len(some) else None

    def key(self, name: str) -> Any:
        """The values of a key column: whole numbers as int64 even where nulls made them floats, dictionaries as their values.

        Raises:
            SettingsError: there is no such column, or its values are of several kinds.
        """
        if name not in self._keys:
            self._keys[name] = _key_values(self.column(name), name)
        return self._keys[name]

    def column(self, name: str) -> Any:
        """One column as Arrow.

        Raises:
            SettingsError: there is no such column, or its values are of several kinds.
        """
        if name not in self.columns:
            raise SettingsError(
                f"entity rows: no column {name!r}, which the features asked for are joined on (found: {', '.join(self.columns)})"
            )
        if isinstance(self.frame, pa.Table):
            return _combined(self.frame.column(name))
        try:
            return _combined(pa.array(self.frame[name], from_pandas=True))
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise SettingsError(f"entity rows: column {name!r} holds values of several kinds ({error}); cast it first") from error

    def to_arrow(self) -> pa.Table:
        """All the columns given as an Arrow table; a column of texts or objects that served as instants is ``timestamp[us, UTC]``."""
        arrays = [self.instants() if self._is_parsed(name) else self.column(name) for name in self.columns]
        return pa.table(arrays, names=self.columns) if arrays else pa.table({})

    def to_pandas(self) -> pd.DataFrame:
        """All the columns as they were given, numbered from 0; a column of texts or objects that served as instants is UTC."""
        if isinstance(self.frame, pa.Table):
            return self.frame.to_pandas()
        given = self.frame.reset_index(drop=True)
        if self._is_parsed(self.time_column):
            given = given.assign(**{self.time_column: self.instants().to_pandas()})
        return given

    def instants(self) -> Any:
        """The instants as ``timestamp[us, UTC]``, or in nanoseconds where they have any."""
        if self.nanoseconds is None:
            return pa.array(self.microseconds, pa.timestamp("us", "UTC"), mask=~self.known)
        return pa.array(self.microseconds * NANOS + self.nanoseconds, pa.timestamp("ns", "UTC"), mask=~self.known)

    def _is_parsed(self, name: str) -> bool:
        if name != self.time_column:
            return False
        if isinstance(self.frame, pa.Table):
            return not pa.types.is_timestamp(self.frame.schema.field(name).type)
        return not pd.api.types.is_datetime64_any_dtype(self.frame[name].dtype)

    def times(self, unit: Unit) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Instants as integers in ``unit``, rounded down (what is at or before them) and up (what a ttl is counted back from)."""
        if unit == "us":
            up = self.microseconds if self.nanoseconds is None else self.microseconds + (self.nanoseconds > 0)
            return self.microseconds, up
        exact = np.clip(self.microseconds, _LEAST, _MOST) * NANOS
        if self.nanoseconds is not None:
            exact = exact + self.nanoseconds
        return exact, exact


@dataclass(frozen=True)
class EntityTables:
    """Names of temporary tables for one set of keys: ``keys`` (``key_<i>``, number ``k``) and ``rows`` (row, k, t, up: the instant's end)."""

    keys: str
    rows: str


def from_frame(frame: pd.DataFrame) -> EntityRows:
    """Entity rows of a pandas data frame; the frame is not changed.

    Raises:
        SettingsError: two columns have one name, or no column is the instant.
    """
    names = [str(name) for name in frame.columns]
    _refuse_doubled(names)
    column = _time_column(names, [name for name in names if pd.api.types.is_datetime64_any_dtype(frame[name].dtype)])
    return _rows(frame, column, frame[column])


def from_arrow(table: pa.Table) -> EntityRows:
    """Entity rows of an Arrow table.

    Raises:
        SettingsError: two columns have one name, or no column is the instant.
    """
    _refuse_doubled(table.column_names)
    stamps = [one.name for one in table.schema if pa.types.is_timestamp(one.type)]
    column = _time_column(table.column_names, stamps)
    return _rows(table, column, table.column(column).to_pandas())


def load(engine: Engine, rows: EntityRows, keys: Sequence[str], kinds: Mapping[str, pa.DataType], unit: Unit, number: int) -> EntityTables:
    """Copy keys and instants of the rows that have both into DuckDB; keys become numbers, so that all later sorts are of integers.

    Args:
        engine: where to.
        rows: all the rows.
        keys: key columns.
        kinds: type of the source's key by entity column.
        unit: of the instants.
        number: makes the tables' names.

    Raises:
        SettingsError: a key is absent, or of another kind than the source's.
    """
    listed, numbers = _numbered([_castable(rows.key(key), kinds[key], key) for key in keys], rows.known)
    asked = np.flatnonzero(numbers >= 0)
    down, up = rows.times(unit)
    given: dict[str, Any] = {"row": asked.astype(np.int32), "k": numbers[asked], "t": down[asked], "up": up[asked]}
    tables = EntityTables(f"entity_keys_{number}", f"entity_rows_{number}")
    for name, table in ((tables.keys, listed), (tables.rows, pa.table(given))):
        with engine.registered("given", table):
            engine.run(f"CREATE TEMP TABLE {name} AS SELECT * FROM given")  # noqa: S608 - our own names
    return tables


def _numbered(keys: Sequence[Any], known: npt.NDArray[np.bool_]) -> tuple[pa.Table, npt.NDArray[np.int32]]:
    """The distinct combinations of keys (``key_<i>``) with their number ``k``, and each row's number; −1 where a key or the instant is null."""
    numbers = np.where(known, 0, -1).astype(np.int64)
    columns: list[Any] = []
    for values in keys:
        coded = values.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        size = max(1, len(coded.dictionary))
        pairs = np.where((numbers < 0) | (codes < 0), -1, numbers * size + codes)
        if not columns:
            columns, numbers = [coded.dictionary], pairs
            continue
        found, numbers = np.unique(pairs, return_inverse=True)
        if len(found) and found[0] < 0:
            found, numbers = found[1:], numbers - 1
        columns = [*(column.take(pa.array(found // size)) for column in columns), coded.dictionary.take(pa.array(found % size))]
    count = len(columns[0]) if columns else 1
    named = {f"key_{index}": column for index, column in enumerate(columns)}
    return pa.table(named | {"k": pa.array(np.arange(count, dtype=np.int32))}), numbers.astype(np.int32)


def _rows(frame: pd.DataFrame | pa.Table, column: str, values: Any) -> EntityRows:
    raw, known = _utc(values, column)
    if np.datetime_data(raw.dtype)[0] != "ns":
        return EntityRows(frame, column, raw.astype("datetime64[us]").astype(np.int64), None, known)
    whole = raw.astype(np.int64)
    beyond = (whole % NANOS).astype(np.int16)
    return EntityRows(frame, column, whole // NANOS, beyond if beyond[known].any() else None, known)


def _utc(values: pd.Series, column: str) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.bool_]]:
    """Instants in UTC, and which are known; naive ones are UTC, texts and objects are parsed as Feast parses them."""
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        raise SettingsError(f"entity rows: column {column!r} is {values.dtype}; instants are expected (timestamps, or texts that say them)")
    plain = pd.api.types.is_datetime64_any_dtype(values.dtype)
    try:
        stamps = pd.Series(pd.to_datetime(values, utc=True, format=None if plain else "mixed"))
    except pd.errors.OutOfBoundsDatetime:
        return _far_instants(values, column)
    except (ValueError, TypeError, OverflowError) as error:
        raise SettingsError(f"entity rows: column {column!r} can't be read as instants ({error})") from error
    return stamps.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(), stamps.notna().to_numpy()


def _far_instants(values: pd.Series, column: str) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.bool_]]:
    """Objects of which some are beyond the nanoseconds that pandas counts in (before 1678, after 2261)."""
    known = values.notna().to_numpy()
    raw = np.zeros(len(values), "datetime64[us]")
    for index in np.flatnonzero(known):
        value = values.iloc[index]
        if not isinstance(value, dt.datetime):
            raise SettingsError(f"entity rows: column {column!r} can't be read as instants ({value!r} is out of pandas' range)")
        raw[index] = value if value.tzinfo is None else value.astimezone(dt.UTC).replace(tzinfo=None)
    return raw, known


def _time_column(names: Sequence[str], stamps: Sequence[str]) -> str:
    if EVENT_TIMESTAMP in names:
        return EVENT_TIMESTAMP
    if len(stamps) == 1:
        return stamps[0]
    raise SettingsError(
        f"entity rows: no column {EVENT_TIMESTAMP!r}, and {len(stamps) or 'no'} columns of timestamps where one is expected "
        f"(found: {', '.join(names) or 'no columns'}); name the instant's column {EVENT_TIMESTAMP}"
    )


def _refuse_doubled(names: Sequence[str]) -> None:
    doubled = sorted({name for name in names if list(names).count(name) > 1})
    if doubled:
        raise SettingsError(f"entity rows: two columns are named {', '.join(doubled)}; name each once")


def _key_values(values: Any, name: str) -> Any:
    if pa.types.is_floating(values.type):
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid:
            return values
    if pa.types.is_nested(values.type):
        raise SettingsError(f"entity rows: key column {name!r} is {values.type}; a key is one value")
    return values


def _castable(values: Any, kind: pa.DataType, key: str) -> Any:
    """The values, if they compare with the source's key; nulls alone do with any."""
    if len(values) == values.null_count:
        return pa.nulls(len(values), pa.string())
    whole = pa.types.is_integer(kind) and pa.types.is_floating(values.type)
    if type_family(values.type) != type_family(kind) or whole:
        raise SettingsError(f"entity rows: key column {key!r} is {values.type}, but the source's key is {kind}; cast one of them")
    return values


def _combined(values: Any) -> Any:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
