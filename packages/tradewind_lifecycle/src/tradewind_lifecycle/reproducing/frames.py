"""Two tables of the same parcels beside each other: in which column, and where first, they differ."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewind_lifecycle.training_sets import AGE_SUFFIX

MOST_COLUMNS = 12
"""Columns that are named; chosen: more is another table."""
_KEY = "parcel_id"


def first_differences(sealed: pa.Table, rebuilt: pa.Table) -> tuple[str, ...]:
    """One sentence for each column that differs: its view, how many rows, the first of them. Empty where all is equal.

    Values are shown of features only: what a parcel itself says may be personal.
    """
    said = [f"{name}: not in the rebuilt set" for name in sealed.column_names if name not in rebuilt.column_names]
    said += [f"{name}: not in the sealed set" for name in rebuilt.column_names if name not in sealed.column_names]
    shared = [name for name in sealed.column_names if name in rebuilt.column_names]
    said += [f"{name}: {sealed[name].type}, rebuilt {rebuilt[name].type}" for name in shared if sealed[name].type != rebuilt[name].type]
    if sealed.num_rows != rebuilt.num_rows:
        return (f"{sealed.num_rows:,} rows, rebuilt {rebuilt.num_rows:,}{_first_key(sealed, rebuilt)}", *said)[:MOST_COLUMNS]
    said += [line for name in shared if sealed[name].type == rebuilt[name].type and (line := _column(name, sealed, rebuilt))]
    return tuple(said[:MOST_COLUMNS])


def _column(name: str, sealed: pa.Table, rebuilt: pa.Table) -> str:
    left: Any = sealed[name].combine_chunks()
    right: Any = rebuilt[name].combine_chunks()
    if left.equals(right):
        return ""
    both = pc.and_(pc.is_null(left), pc.is_null(right))
    differs: Any = pc.invert(pc.or_(both, pc.fill_null(pc.equal(left, right), False)))
    places = np.flatnonzero(differs.to_numpy(zero_copy_only=False))
    if not len(places):
        return ""
    row = int(places[0])
    view, feature, _ = name.partition("__")
    where = f"view {view}, {'age' if name.endswith(AGE_SUFFIX) else name.removeprefix(view + '__')}" if feature else f"column {name}"
    values = f": {left[row]} sealed, {right[row]} rebuilt" if feature else ""
    return f"{where}: {len(places):,} of {sealed.num_rows:,} rows differ, first row {row:,}{values}"


def _first_key(sealed: pa.Table, rebuilt: pa.Table) -> str:
    if _KEY not in sealed.column_names or _KEY not in rebuilt.column_names:
        return ""
    gone = len(set(sealed[_KEY].to_pylist()) - set(rebuilt[_KEY].to_pylist()))
    added = len(set(rebuilt[_KEY].to_pylist()) - set(sealed[_KEY].to_pylist()))
    return f" ({gone:,} parcels are missing, {added:,} are more)"
