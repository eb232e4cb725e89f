"""What a version did day by day, as a few numbers that its row can keep; and the plot of them.

A predictions table has one row per scored parcel: ``ordered_at`` (timestamp, UTC), ``p10_days``, ``p50_days``, ``p90_days``, ``actual_days``
(null: not known), ``weight`` (0: does not count). Columns that end in ``_days`` besides these (``promise_days``) are baselines.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tradewind_lifecycle.plots.axes import Scale, left_axis
from tradewind_lifecycle.plots.evidence import finite
from tradewind_lifecycle.plots.svg import BASELINES, Drawing
from tradewind_lifecycle.sealing import QUANTILE_COLUMNS, column

BY_DAY = "by_day"
"""Name in a version's facts of what :func:`by_day` gave."""
LEAST_DAY_ROWS = 20
"""Days with fewer known outcomes have no mean: chosen, a coverage of fewer moves by more than 5 points a parcel."""
MOST_UNDER_WAY = 0.1
"""Days of which a larger share is still under way have no mean: chosen, of such days only the quick parcels are known."""
MOST_DATES = 7
"""Dates written below the axis: chosen, more would touch each other."""
_DIGITS = 4
_WIDTH, _LEFT = 640, 60


def by_day(predictions: pa.Table) -> dict[str, Any]:
    """Plain JSON by order day (UTC): ``days``, ``delivered``, ``under_way`` (counts); ``bias`` of p50 (days), ``coverage`` of [p10, p90] (0 to 1)
    and ``mae`` of p50 and of each baseline (days); null where a day has too few outcomes. About 3 KB for thirty days.
    """
    days = predictions.column("ordered_at").cast(pa.timestamp("us")).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    names, group = np.unique(days, return_inverse=True)
    actual = column(predictions, "actual_days")
    known = np.isfinite(actual) & (column(predictions, "weight") > 0)
    total, delivered = np.bincount(group, minlength=len(names)), np.bincount(group, weights=known, minlength=len(names)).astype(int)
    # The weights of censoring stand for the whole span. Within a day all parcels were looked at for equally long, so they would only give
    # its slow ones to other days: within a day each known outcome counts once.
    settled = (delivered >= LEAST_DAY_ROWS) & (delivered >= (1 - MOST_UNDER_WAY) * total)

    def mean(values: np.ndarray) -> list[float | None]:
        counted = known & np.isfinite(values)
        rows = np.bincount(group, weights=counted, minlength=len(names))
        sums = np.bincount(group, weights=np.where(counted, values, 0.0), minlength=len(names))
        return [
            round(float(part / count), _DIGITS) if fine and count >= LEAST_DAY_ROWS else None
            for part, count, fine in zip(sums, rows, settled, strict=True)
        ]

    inside = (actual >= column(predictions, "p10_days")) & (actual <= column(predictions, "p90_days"))
    own = {*QUANTILE_COLUMNS.values(), "actual_days"}
    forecasts = ["p50_days", *(name for name in predictions.column_names if name.endswith("_days") and name not in own)]
    return {
        "days": [str(day) for day in names],
        "delivered": delivered.tolist(),
        "under_way": (total - delivered).tolist(),
        "mae": {name.removesuffix("_days"): mean(np.abs(column(predictions, name) - actual)) for name in forecasts},
        "bias": mean(column(predictions, "p50_days") - actual),
        "coverage": mean(inside.astype(np.float64)),
    }


def error_by_day(found: Mapping[str, Any], title: str, *, alone: bool = False) -> str:
    """What :func:`by_day` gave, drawn: error beside the baselines', bias, coverage, and how many parcels."""
    days: Sequence[str] = found["days"]
    drawing = Drawing(_WIDTH, 470, title, f"{len(days)} order days, {days[0]} to {days[-1]}" if days else "no days")
    across = Scale(-0.5, max(len(days), 1) - 0.5, _LEFT, _WIDTH - 12)
    errors: Mapping[str, Sequence[float | None]] = found["mae"]
    # By name, so that a baseline has its colour in every plot of a card.
    kinds = dict(zip(sorted(errors, key=lambda name: (name != "p50", name)), ("model", *BASELINES), strict=False))
    _legend(drawing, {("model, p50" if name == "p50" else name.replace("_", " ")): kind for name, kind in kinds.items()})
    up = Scale.over([v for values in errors.values() for v in values if v is not None], 170, 34, zero=True)
    left_axis(drawing, up, _LEFT, _WIDTH - 12)
    drawing.text(6, 28, "mean absolute error, days", "soft")
    for name, kind in kinds.items():
        _series(drawing, across, up, errors[name], kind, days, "days")
    bias = [v for v in found["bias"] if v is not None]
    up = Scale.over([*bias, 0.0], 262, 204)
    left_axis(drawing, up, _LEFT, _WIDTH - 12, 3)
    drawing.text(6, 196, "bias of p50, days (above 0: answered too late)", "soft")
    drawing.line([(_LEFT, up(0)), (_WIDTH - 12, up(0))], "limit")
    _series(drawing, across, up, found["bias"], "model", days, "days")
    up = Scale(0.0, 1.0, 346, 294)
    left_axis(drawing, up, _LEFT, _WIDTH - 12, 2)
    drawing.text(6, 286, "share inside [p10, p90], which claims 0.8", "soft")
    drawing.line([(_LEFT, up(0.8)), (_WIDTH - 12, up(0.8))], "limit")
    _series(drawing, across, up, found["coverage"], "model", days, "")
    _counts(drawing, across, found)
    return drawing.svg(alone=alone)


def _series(drawing: Drawing, across: Scale, up: Scale, values: Sequence[float | None], kind: str, days: Sequence[str], unit: str) -> None:
    """A line that is broken where there is no value, with a dot for each day."""
    run: list[tuple[float, float]] = []
    for place, value in enumerate([*values, None]):
        if value is not None:
            run.append((across(place), up(value)))
        elif run:
            drawing.line(run, kind)
            run = []
    for place, value in enumerate(values):
        if (point := finite(value)) is not None:
            drawing.dot(across(place), up(point), kind, f"{days[place]}: {point:.3g} {unit}".strip(), radius=2.5)


def _counts(drawing: Drawing, across: Scale, found: Mapping[str, Any]) -> None:
    totals = [a + b for a, b in zip(found["delivered"], found["under_way"], strict=True)]
    up = Scale(0, max([*totals, 1]) * 1.05, 424, 378)
    left_axis(drawing, up, _LEFT, _WIDTH - 12, 2)
    drawing.text(6, 370, f"parcels; red: still under way (above {MOST_UNDER_WAY:.0%} no mean)", "soft")
    width = max((across(1) - across(0)) * 0.8, 1)
    for place, (day, delivered, total) in enumerate(zip(found["days"], found["delivered"], totals, strict=True)):
        x = across(place) - width / 2
        tip = f"{day}: {delivered:,} delivered, {total - delivered:,} under way"
        drawing.bar(x, up(delivered), width, up(0) - up(delivered), "rest", tip)
        drawing.bar(x, up(total), width, up(delivered) - up(total), "limit", tip)
    every = max(-(-len(totals) // MOST_DATES), 1)
    for place in range(0, len(totals), every):
        drawing.text(across(place), 442, found["days"][place][5:], "soft", "middle")
    years = sorted({day[:4] for day in found["days"]})
    drawing.text((_LEFT + _WIDTH) / 2, 462, f"day of the order (UTC, {' and '.join(years)})" if years else "no days", "soft", "middle")


def _legend(drawing: Drawing, kinds: Mapping[str, str]) -> None:
    x = _WIDTH - 12 - sum(26 + 7.2 * len(name) for name in kinds)
    for name, kind in kinds.items():
        drawing.dot(x, 11, kind)
        drawing.text(x + 9, 15, name)
        x += 26 + 7.2 * len(name)
