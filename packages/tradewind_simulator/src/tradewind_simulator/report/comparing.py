"""Lays a simulated world beside real ones, measure by measure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tradewind_simulator.report import published
from tradewind_simulator.report.distances import (
    PROBABILITIES,
    distance_at_quantiles,
    kolmogorov_smirnov,
    noise_of_distribution,
    noise_of_rate,
    noise_of_shares,
    total_variation,
    wasserstein,
)
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
    noise: float = 0.0
    """Distance that samples of these sizes would have if both were of one law (exceeded in about 5 % of cases)."""

    @property
    def is_within(self) -> bool | None:
        """Whether the distance is within tolerance and noise; None where there is no distance."""
        return None if math.isnan(self.distance) else self.distance <= self.tolerance + self.noise


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
    if measure.world in worlds.real:
        real = worlds.column(measure.world, measure.query)
        comparison = Comparison(
            measure.name,
            _median(values),
            _median(real),
            kolmogorov_smirnov(values, real),
            "ks",
            measure.tolerance,
            _SOURCES[measure.world],
            measure.unit,
            len(values),
            wasserstein(values, real),
            noise_of_distribution(len(values), len(real)),
        )
        return Laid(measure, comparison, values, real_values=real)
    figure = published.DISTRIBUTIONS[measure.name]
    quantiles = np.asarray(figure.quantiles)
    comparison = Comparison(
        measure.name,
        _median(values),
        float(quantiles[PROBABILITIES.index(0.5)]),
        distance_at_quantiles(values, quantiles),
        "ks_at_quantiles",
        measure.tolerance,
        figure.source,
        measure.unit,
        len(values),
        noise=noise_of_distribution(len(values)),
    )
    return Laid(measure, comparison, values, real_quantiles=quantiles)


def _shares(worlds: Worlds, measure: Measure) -> Laid:
    weights = _weights(worlds.rows(SIMULATED, measure.query))
    count = int(sum(weights.values()))
    if measure.world in worlds.real:
        theirs, source = _weights(worlds.rows(measure.world, measure.query)), _SOURCES[measure.world]
    else:
        figure = published.SHARES[measure.name]
        theirs, source = dict(figure.shares), figure.source
    mine, theirs = _normalised(weights), _normalised(theirs)
    most = max(theirs, key=lambda name: theirs[name], default="")
    comparison = Comparison(
        measure.name,
        mine.get(most, math.nan),
        theirs.get(most, math.nan),
        total_variation(mine, theirs),
        "tv",
        measure.tolerance,
        source,
        f"share of {most}",
        count,
        noise=noise_of_shares(theirs, count),
    )
    return Laid(measure, comparison, shares=mine, real_shares=theirs)


def _rate(worlds: Worlds, measure: Measure) -> Laid:
    mine, count = _one_rate(worlds.rows(SIMULATED, measure.query))
    if measure.world in worlds.real:
        theirs, source = _one_rate(worlds.rows(measure.world, measure.query))[0], _SOURCES[measure.world]
    else:
        figure = published.RATES[measure.name]
        theirs, source = figure.value, figure.source
    noise = noise_of_rate(theirs, count)
    comparison = Comparison(measure.name, mine, theirs, abs(mine - theirs), "difference", measure.tolerance, source, "", count, noise=noise)
    return Laid(measure, comparison)


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _weights(rows: list[tuple[Any, ...]]) -> dict[str, float]:
    return {str(name): float(weight) for name, weight in rows}


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def _one_rate(rows: list[tuple[Any, ...]]) -> tuple[float, int]:
    value, count = rows[0]
    return (math.nan if value is None else float(value)), int(count)
