"""The shapes that a version seals and that later windows are held against: of its inputs, their ages, its answers and their outcomes.

The reference is the span that the version was judged on: the orders of the weeks after the trees' cut. They are the newest that it
knew, they are answered by trees that have not seen them, and its sealed errors are of just these rows. The whole training set would
be a reference of another season, in which half of the merchants were still unknown.

How much each input moves when nothing is wrong is sealed too: the largest excess of the whole weeks before the reference.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradewind_contracts.instants import UTC, iso
from tradewind_lifecycle.monitoring.distances import (
    index_by_chance,
    stability_index,
    wasserstein,
    wasserstein_by_chance,
)

Floats = NDArray[np.float64]
Shapes = dict[str, Any]

FORM = 1
"""Number of this JSON form: a reader refuses others."""
LEVELS = (0.01, *(number / 20 for number in range(1, 20)), 0.99)
"""Where a number's distribution is kept. Chosen: every twentieth, and ends that one wild value can't move."""
TOP_VALUES = 12
"""Values of a text that are told apart; the rest is one bin. Chosen: the largest states hold nine parcels of ten."""
USUAL_WEEKS = 8
"""Whole weeks before the reference that say how much an input moves by itself. Chosen: as far as a version is old when it is replaced."""
ALARM_SHARE = 0.001
"""Chance at which noise is cut off a distance. Chosen: with fifty inputs, one quiet window in twenty has any excess at all."""
OUTPUTS = ("p10_days", "p50_days", "p90_days")
AGE_SUFFIX = "__age_hours"
WEEK = dt.timedelta(days=7)


def reference_shapes(
    table: pa.Table,
    numeric_columns: Sequence[str],
    text_columns: Sequence[str],
    *,
    start: dt.datetime,
    end: dt.datetime,
    answers: Mapping[str, Floats] | None = None,
    outcomes: pa.Table | None = None,
) -> Shapes:
    """The shapes of the orders of [start, end), as plain JSON of at most 30 KB for fifty inputs.

    ``table`` has ``event_timestamp`` (purchase, UTC), the inputs and the ages ``<view>__age_hours`` [rows]; orders before ``start`` say
    how much the inputs usually move. ``answers`` are those to the span, in days, by ``OUTPUTS`` [rows of the span]; ``outcomes`` has
    ``actual_days`` (null: not known) and ``weight``.

    Raises:
        KeyError: a column is absent.
    """
    inside = between(table, start, end)
    weeks = [between(table, start - number * WEEK, start - (number - 1) * WEEK) for number in range(1, USUAL_WEEKS + 1)]
    ages = [name for name in table.column_names if name.endswith(AGE_SUFFIX)]
    numbers = {name: _number_shape(numbers_of(inside, name)) for name in (*numeric_columns, *ages)}
    texts = {name: _text_shape(inside[name]) for name in text_columns}
    for name, shape in (*numbers.items(), *texts.items()):
        moved = [excess_of(shape, week, name) for week in weeks if week.num_rows]
        shape["usual"] = _rounded(max(moved, default=0.0))
    return {
        "form": FORM,
        "rows": inside.num_rows,
        "from": iso(start),
        "to": iso(end),
        "inputs": {name: numbers[name] for name in numeric_columns} | texts,
        "ages": {name.removesuffix(AGE_SUFFIX): numbers[name] for name in ages},
        "outputs": _outputs(answers) if answers else {},
        "outcomes": _outcomes(outcomes) if outcomes is not None else {},
    }


def between(table: pa.Table, start: dt.datetime, end: dt.datetime) -> pa.Table:
    """The rows whose ``event_timestamp`` is in [start, end)."""
    at: Any = table["event_timestamp"]
    kind = at.type
    first, last = (pa.scalar(instant.astimezone(UTC), kind) for instant in (start, end))
    kept: Any = pc.and_(pc.greater_equal(at, first), pc.less(at, last))
    return table.filter(kept)


def numbers_of(table: pa.Table, name: str) -> Floats:
    """A column [rows] as floats; NaN where it is null, or the column absent."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.asarray(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def excess_of(shape: Mapping[str, Any], table: pa.Table, name: str) -> float:
    """How far the known values of ``name`` in ``table`` lie from ``shape``, less what chance explains (see ``distances``)."""
    distance, chance = distance_of(shape, table, name)
    return max(0.0, distance - chance)


def distance_of(shape: Mapping[str, Any], table: pa.Table, name: str) -> tuple[float, float]:
    """The distance of ``name`` in ``table`` from ``shape``, and the distance that chance alone explains; 0 where either side knows no value."""
    if "points" not in shape:
        return _text_distance(shape, table, name)
    values = numbers_of(table, name)
    known = values[~np.isnan(values)]
    if not len(known) or not shape["known"]:
        return 0.0, 0.0
    points, levels = np.asarray(shape["points"], dtype=np.float64), np.asarray(shape["levels"], dtype=np.float64)
    spread = float(shape["spread"])
    if spread <= 0:  # it was one value: all that is another is distance
        return float(np.mean(known != points[0])), 0.0
    found = _at_or_below(known, points)
    rows = (float(shape["known"]), float(len(known)))
    return wasserstein(points, levels, found, spread), wasserstein_by_chance(points, levels, spread, rows, ALARM_SHARE)


def _text_distance(shape: Mapping[str, Any], table: pa.Table, name: str) -> tuple[float, float]:
    found = _value_counts(table[name]) if name in table.column_names else {}
    named = [float(found.get(value, 0)) for value in shape["values"]]
    window = np.array([*named, float(sum(found.values())) - sum(named)])
    reference = np.asarray(shape["shares"], dtype=np.float64) * float(shape["known"])
    return stability_index(reference, window), index_by_chance(reference, window, ALARM_SHARE)


def null_share(table: pa.Table, name: str) -> float:
    """The share (0 to 1) of rows in which ``name`` is not known; 1 where the column is absent."""
    if name not in table.column_names or not table.num_rows:
        return 1.0
    return table[name].null_count / table.num_rows


def _number_shape(values: Floats) -> Shapes:
    """``points`` ascend, ``levels`` are the shares at or below them; ``spread`` is the standard deviation between the outer points."""
    known = values[~np.isnan(values)]
    shape: Shapes = {"known": len(known), "nulls": _rounded(1 - len(known) / max(len(values), 1))}
    if not len(known):
        return shape | {"points": [], "levels": [], "spread": 0.0, "p10_p50_p90": [None] * 3}
    points = np.unique([_rounded(point) for point in np.quantile(known, LEVELS, method="inverted_cdf")])
    spread = float(np.std(np.clip(known, points[0], points[-1])))
    return shape | {
        "points": points.tolist(),
        "levels": [round(float(level), 4) for level in _at_or_below(known, points)],
        "spread": _rounded(spread),
        "p10_p50_p90": [_rounded(value) for value in np.quantile(known, (0.1, 0.5, 0.9))],
    }


def _text_shape(column: Any) -> Shapes:
    found = _value_counts(column)
    known = sum(found.values())
    top = sorted(found, key=lambda value: (-found[value], value))[:TOP_VALUES]
    named = [found[value] for value in top]
    return {
        "values": top,
        "shares": [_rounded(count / max(known, 1)) for count in (*named, known - sum(named))],
        "known": known,
        "nulls": _rounded(1 - known / max(len(column), 1)),
    }


def _outputs(answers: Mapping[str, Floats]) -> Shapes:
    found = dict(answers)
    found["width_days"] = found["p90_days"] - found["p10_days"]
    return {name: _number_shape(values) for name, values in found.items()}


def _outcomes(predictions: pa.Table) -> Shapes:
    """Mean and median of the days that parcels took, weighted as the evaluation was."""
    actual, weight = numbers_of(predictions, "actual_days"), numbers_of(predictions, "weight")
    rows = np.flatnonzero(~np.isnan(actual) & (weight > 0))
    if not len(rows):
        return {"delivered": 0, "mean_days": None, "median_days": None}
    return {
        "delivered": len(rows),
        "mean_days": _rounded(float(np.average(actual[rows], weights=weight[rows]))),
        "median_days": _rounded(weighted_median(actual[rows], weight[rows])),
    }


def weighted_median(values: Floats, weights: Floats) -> float:
    """The value at which half of the weight lies below."""
    order = np.argsort(values, kind="stable")
    heaped = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(heaped, heaped[-1] / 2)])


def _at_or_below(known: Floats, points: Floats) -> Floats:
    """The share of ``known`` at or below each of ``points``; nearest six digits count as equal, as the points are kept."""
    return np.searchsorted(np.sort(known), points + np.abs(points) * 1e-6, side="right") / len(known)


def _value_counts(column: Any) -> dict[str, int]:
    pairs = pc.value_counts(column).to_pylist()
    return {str(pair["values"]): int(pair["counts"]) for pair in pairs if pair["values"] is not None}


def _rounded(value: float) -> float:
    """Six significant digits: a point keeps its place among measurements, and the JSON stays small."""
    return float(f"{float(value):.6g}")
