"""Small stores for the tests of the online store: one view, rows of two features."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from tradewind_features.online.backend import PackedRow, ViewSpec, open_backend
from tradewind_features.online.packing import FieldType, PackedSchema, pack_rows
from tradewind_features.online.reader import OnlineReader

Location = Path | str
Row = tuple[str | int, int, int, float | None]
"""Key, event and created time in microseconds, speed."""

NOW = dt.datetime(2018, 5, 10, tzinfo=dt.UTC)
DAY_US = 86_400_000_000
NOW_US = int(NOW.timestamp()) * 1_000_000
SCHEMA = PackedSchema((("speed", FieldType.FLOAT64), ("name", FieldType.STRING)))
SPEC = ViewSpec("view", "id", 3 * DAY_US, SCHEMA)


def packed(rows: Sequence[Row], schema: PackedSchema = SCHEMA) -> list[PackedRow]:
    """Rows as a store takes them; the name says the speed."""
    values = pack_rows(schema, [{"speed": row[3], "name": f"n{row[3]}"} for row in rows])
    return [(*row[:3], value) for row, value in zip(rows, values, strict=True)]


def written(location: Location, rows: Sequence[Row], spec: ViewSpec = SPEC) -> int:
    """Declare a view and write rows; how many took effect."""
    with open_backend(location) as backend, backend.transaction():
        backend.declare(spec)
        return backend.write(spec.view, packed(rows, spec.schema))


def filled(location: Location, rows: Sequence[Row], spec: ViewSpec = SPEC) -> OnlineReader:
    """A reader of a store with these rows."""
    written(location, rows, spec)
    return OnlineReader(location)


def speeds(location: Location, keys: Sequence[str | int | None], view: str = "view", now: dt.datetime = NOW) -> list[float | None]:
    """What a fresh reader finds of each key: its speed, or ``None`` where it finds nothing to serve."""
    reader = OnlineReader(location)
    found = [row.values.get("speed") for row in reader.read_exact(view, keys, now)]
    reader.close()
    return found
