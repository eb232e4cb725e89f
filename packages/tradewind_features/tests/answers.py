"""Two answers of a feature store side by side, whatever the order of their rows and the width of their types."""

import math
from typing import Any

import pyarrow as pa


def plain(value: Any) -> Any:
    """A value as Python says it: NaN is ``None``, an integral float an int."""
    if isinstance(value, float):
        return None if math.isnan(value) else int(value) if value.is_integer() else value
    return value


def by_row(answer: pa.Table, *, key: str = "row", only: list[str] | None = None) -> dict[Any, dict[str, Any]]:
    """The answer's rows by their number, columns in the order of their names."""
    names = sorted(only or answer.column_names)
    return {row[key]: {name: plain(row[name]) for name in names} for row in answer.to_pylist()}


def differences(ours: pa.Table, theirs: pa.Table, *, key: str = "row") -> list[str]:
    """What differs, as lines for a test's failure; empty where the two are the same."""
    if sorted(ours.column_names) != sorted(theirs.column_names):
        return [f"columns: ours {sorted(ours.column_names)}, theirs {sorted(theirs.column_names)}"]
    if ours.num_rows != theirs.num_rows:
        return [f"rows: ours {ours.num_rows}, theirs {theirs.num_rows}"]
    own, other = by_row(ours, key=key), by_row(theirs, key=key)
    return [
        f"row {number}, {name}: ours {own[number][name]!r}, theirs {other[number][name]!r}"
        for number in sorted(other)
        for name in other[number]
        if number not in own or own[number][name] != other[number][name]
    ]
