"""What the plot of a verdict is drawn from: four forms, plain JSON, each a few kilobytes at most. Absent numbers are null."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

BARS = 12
"""Bars that are kept, the worst first. Chosen: what a person reads at a glance."""
BESIDE = "beside"
"""Key of a champion gate's evidence: the number of the champion that it was compared with, null where there was none."""
UNITS = ("days", "hours", "km")
"""Endings of a metric's name that are its unit."""


def interval(value: float | None, low: float | None, high: float | None, threshold: float, unit: str = "") -> Json:
    """One number with an interval beside a threshold."""
    return {"plot": "interval", "value": plain(value), "low": plain(low), "high": plain(high), "threshold": threshold, "unit": unit}


def bars(values: Mapping[str, float], threshold: float, unit: str = "") -> Json:
    """A number by label beside a threshold; the greatest are kept."""
    ranked = sorted(values.items(), key=lambda item: -item[1])[:BARS]
    found = {"labels": [label for label, _ in ranked], "values": [plain(value) for _, value in ranked]}
    return {"plot": "bars", **found, "threshold": threshold, "unit": unit}


def levels(found: Sequence[Mapping[str, Any]], threshold: float) -> Json:
    """Claimed shares beside observed ones with their intervals, and how far apart they may be."""
    columns = {name: [plain(level.get(name)) for level in found] for name in ("claimed", "observed", "low", "high")}
    return {"plot": "levels", **columns, "threshold": threshold}


def count(failed: int, of: int) -> Json:
    """How many failed of how many."""
    return {"plot": "count", "failed": failed, "of": of}


def plain(value: Any) -> float | None:
    """A number as JSON has it: what is absent, NaN or infinite is null."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def unit_of(metric: str) -> str:
    """The unit that a metric's name ends with, else nothing: ``days`` of ``mae_days``."""
    ending = metric.rpartition("_")[2]
    return ending if ending in UNITS else ""
