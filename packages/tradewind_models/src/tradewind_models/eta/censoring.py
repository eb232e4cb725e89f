"""Parcels still under way: what they tell although their duration is not known.

Two tools. Weights by the inverse probability of censoring (Robins and Rotnitzky 1992) for the trees and the metrics;
and a period life table (left-truncated, right-censored, by calendar day; as demographers make it: Preston, Heuveline,
Guillot 2001, "Demography", ch. 3) for the level and the calibration.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGES: Floats = np.concatenate([np.arange(0.0, 2.0, 0.05), np.arange(2.0, 8.01, 0.25)])
"""Bins of scaled age (age divided by a parcel's own scale). Chosen: fine around the median, eight times it at most."""


def censoring_weights(ordered: Floats, durations: Floats, until: float, window_days: float, floor: float) -> Floats:
    """Weights [n] that make delivered parcels stand for those of their order days that are not delivered yet.

    ``ordered`` and ``until`` in days since 1970, ``durations`` in days, NaN where not known. Among parcels ordered in
    the ``window_days`` before ``until``, a delivery after T days was seen with the probability that a parcel was
    ordered at least T days ago: 1 / that share (at least ``floor``). Older parcels weigh 1, unknown durations 0.
    The time of censoring is known for every parcel, so that share is an exact Kaplan-Meier of it.
    """
    known = ~np.isnan(durations)
    weights = known.astype(np.float64)
    ages = until - ordered
    recent = ages <= window_days
    if recent.any():
        sorted_ages = np.sort(ages[recent])
        rows = np.flatnonzero(recent & known)
        seen = 1.0 - np.searchsorted(sorted_ages, durations[rows], side="left") / len(sorted_ages)
        weights[rows] = 1.0 / np.maximum(seen, floor)
    return weights


@dataclass(frozen=True, eq=False)
class LifeTable:
    """Exposure and deliveries by calendar day and bin of scaled age; a window of days is a sum over them.

    ``exposure`` and ``events`` are [days, bins]; row 0 is the UTC day ``first_day`` (days since 1970). A row holds what
    happened within its day only, so the days before t depend on nothing later than t.
    """

    first_day: int
    exposure: Floats
    events: Floats

    def distribution(self, start_day: int, end_day: int) -> tuple[Floats, float]:
        """The distribution function at ``EDGES`` of scaled durations in [start_day, end_day), and the deliveries in it.

        Hazards are constant within a bin. Normalised to reach 1 at the last edge: it speaks of parcels that arrive.
        """
        low, high = (int(np.clip(day - self.first_day, 0, len(self.exposure))) for day in (start_day, end_day))
        exposure, events = self.exposure[low:high].sum(axis=0), self.events[low:high].sum(axis=0)
        hazard = np.divide(events, exposure, out=np.zeros_like(events), where=exposure > 1e-9)
        cumulated = np.concatenate([[0.0], np.cumsum(hazard * np.diff(EDGES))])
        arrived = 1.0 - np.exp(-cumulated)
        total = float(events.sum())
        return (arrived / arrived[-1] if arrived[-1] > 0 else arrived), total

    def quantile(self, level: float, start_day: int, end_day: int, least_events: float) -> float:
        """The ``level``-quantile of scaled durations in [start_day, end_day); NaN with fewer than ``least_events`` deliveries."""
        arrived, total = self.distribution(start_day, end_day)
        return float(np.interp(level, arrived, EDGES)) if total >= max(least_events, 1) else float("nan")


def life_table(ordered: Floats, delivered: Floats, scale: Floats, until: float) -> LifeTable:
    """The life table of parcels by UTC day, up to the last whole day before ``until``.

    ``ordered``, ``delivered`` (NaN: not known) and ``until`` in days since 1970; ``scale`` in days, positive. Parcels
    leave after ``EDGES[-1]`` times their scale; those delivered before they were ordered are dirt and were never under way.
    """
    end_day = int(np.floor(until))
    first_day = int(np.floor(ordered.min())) if len(ordered) else end_day
    span = max(end_day - first_day, 0)
    leave = np.fmin(np.fmin(delivered, ordered + EDGES[-1] * scale), float(end_day))
    rows, day = _days_at_risk(ordered, leave)
    origin, unit = ordered[rows], scale[rows]
    entered = np.maximum(day - origin, 0.0) / unit
    left = (np.minimum(day + 1.0, leave[rows]) - origin) / unit
    shape = (span, len(EDGES) - 1)
    exposure = _below(left, day - first_day, span) - _below(entered, day - first_day, span)
    arrived = np.flatnonzero((delivered < end_day) & (delivered >= ordered) & (delivered <= ordered + EDGES[-1] * scale))
    bins = _bin((delivered[arrived] - ordered[arrived]) / scale[arrived])
    cells = (np.floor(delivered[arrived]).astype(np.int64) - first_day) * shape[1] + bins
    events = np.bincount(cells, minlength=span * shape[1]).reshape(shape).astype(np.float64)
    return LifeTable(first_day, np.diff(exposure, axis=1), events)


def _days_at_risk(ordered: Floats, leave: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One entry per parcel and UTC day on which it was under way: the parcel's row and the day."""
    first = np.floor(ordered).astype(np.int64)
    counts = np.maximum(np.ceil(leave).astype(np.int64) - first, 0)
    rows = np.repeat(np.arange(len(ordered)), counts)
    offsets = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, first[rows] + offsets


def _below(ages: Floats, day: NDArray[np.int64], span: int) -> Floats:
    """Sum over the entries of each day of min(age, edge), for each edge: [span, edges]."""
    width = len(EDGES)
    cells = day * width + np.searchsorted(EDGES, ages, side="left").clip(max=width - 1)
    count = np.bincount(cells, minlength=span * width).reshape(span, width)
    total = np.bincount(cells, weights=ages, minlength=span * width).reshape(span, width)
    under, reached = np.cumsum(total, axis=1), np.cumsum(count, axis=1)
    return np.asarray(under + EDGES * (reached[:, -1:] - reached))


def _bin(ages: Floats) -> NDArray[np.int64]:
    return np.clip(np.searchsorted(EDGES, ages, side="right") - 1, 0, len(EDGES) - 2).astype(np.int64)
