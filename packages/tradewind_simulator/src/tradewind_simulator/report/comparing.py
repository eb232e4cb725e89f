"""Lays a simulated world beside real ones, measure by measure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tradewind_simulator.report import published
from tradewind_simulator.report.distances import PROBABILITIES, distance_at_quantiles, kolmogorov_smirnov, total_variation, wasserstein
from tradewind_simulator.report.measures import MEASURES, Measure
from tradewind_simulator.report.reading import CHANGSHU, DELHIVERY, OLIST, SIMULATED, Worlds, open_worlds
from tradewind_simulator.streams import Floats

_SOURCES = {
    OLIST: "Olist, public e-commerce data, as read",
    DELHIVERY: "Delhivery, legs of trips, as read",
    CHANGSHU: "Changshu, parcels of one city, as read",
}


@dataclass(frozen=True)
class Comparison:
    """One row of the report.

    ``simulated`` and ``real`` are medians of distributions, rates, or shares of the category that is most frequent in reality.
    ``kind`` of the distance: ``ks`` (Kolmogorov-Smirnov), ``ks_at_quantiles`` (only quantiles are published: a lower bound),
    ``tv`` (total variation), ``difference`` (absolute, of rates). NaN where the simulated world has nothing to say.
    """

    name: str
    simulated: float
    real: float
    distance: float
    kind: str
    tolerance: float
    source: str
    unit: str = ""
    count: int = 0
    """Values, rows or weights of the simulated world that it is made of."""
    moved: float = math.nan
    """Wasserstein distance in ``unit``, where real values were read."""

    @property
    def is_within(self) -> bool | None:
        """Whether the distance is within the tolerance; None where there is none."""
        return None if math.isnan(self.distance) else self.distance <= self.tolerance


@dataclass(frozen=True)
class Laid:
    """A comparison with what is plotted of it: values (distributions) or shares by category; real ones may be quantiles."""

    measure: Measure
    comparison: Comparison
    values: Floats = field(default_factory=lambda: np.zeros(0))
    real_values: Floats | None = None
    real_quantiles: Floats | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    real_shares: Mapping[str, float] = field(default_factory=dict)


def compare(data: Path, real: Path | None = None) -> list[Comparison]:
    """All comparisons of the simulated world in ``data`` with what there is of the real ones in ``real``, or with published figures.

    Raises:
        SourceError: ``data`` holds no simulated world, or an archive in ``real`` is not as downloaded.
    """
    return [laid.comparison for laid in lay(open_worlds(data, real))]


def lay(worlds: Worlds) -> list[Laid]:
    """The same with what is plotted."""
    kinds = {"distribution": _distribution, "shares": _shares, "rate": _rate}
    return [kinds[measure.kind](worlds, measure) for measure in MEASURES]


def _distribution(worlds: Worlds, measure: Measure) -> Laid:
    values = worlds.column(SIMULATED, measure.query)
    median = float(np.median(values)) if len(values) else math.nan
    if measure.world in worlds.real:
        real = worlds.column(measure.world, measure.query)
        distance, middle = kolmogorov_smirnov(values, real), float(np.median(real)) if len(real) else math.nan
        comparison = _row(measure, median, middle, distance, "ks", _SOURCES[measure.world], len(values), wasserstein(values, real))
        return Laid(measure, comparison, values, real_values=real)
    figure = published.DISTRIBUTIONS[measure.name]
    quantiles = np.asarray(figure.quantiles)
    middle = float(quantiles[PROBABILITIES.index(0.5)])
    comparison = _row(measure, median, middle, distance_at_quantiles(values, quantiles), "ks_at_quantiles", figure.source, len(values))
    return Laid(measure, comparison, values, real_quantiles=quantiles)


def _shares(worlds: Worlds, measure: Measure) -> Laid:
    mine = _normalised(worlds.rows(SIMULATED, measure.query))
    count = int(sum(weight for _, weight in worlds.rows(SIMULATED, measure.query)))
    if measure.world in worlds.real:
        theirs, source = _normalised(worlds.rows(measure.world, measure.query)), _SOURCES[measure.world]
    else:
        figure = published.SHARES[measure.name]
        theirs, source = dict(figure.shares), figure.source
    most = max(theirs, key=lambda name: theirs[name]) if theirs else ""
    comparison = _row(measure, mine.get(most, math.nan), theirs.get(most, math.nan), total_variation(mine, theirs), "tv", source, count)
    return Laid(measure, comparison, shares=mine, real_shares=theirs)


def _rate(worlds: Worlds, measure: Measure) -> Laid:
    mine, count = _one_rate(worlds.rows(SIMULATED, measure.query))
    if measure.world in worlds.real:
        theirs, source = _one_rate(worlds.rows(measure.world, measure.query))[0], _SOURCES[measure.world]
    else:
        figure = published.RATES[measure.name]
        theirs, source = figure.value, figure.source
    return Laid(measure, _row(measure, mine, theirs, abs(mine - theirs), "difference", source, count))


def _row(
    measure: Measure, simulated: float, real: float, distance: float, kind: str, source: str, count: int, moved: float = math.nan
) -> Comparison:
    return Comparison(measure.name, simulated, real, distance, kind, measure.tolerance, source, measure.unit, count, moved)


def _normalised(rows: list[tuple[Any, ...]]) -> dict[str, float]:
    whole = sum(weight for _, weight in rows)
    return {str(name): weight / whole for name, weight in rows}


def _one_rate(rows: list[tuple[Any, ...]]) -> tuple[float, int]:
    value, count = rows[0]
    return (math.nan if value is None else float(value)), int(count)
