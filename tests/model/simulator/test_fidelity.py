"""The default world is like the real ones: every comparison of the fidelity report is within its tolerance, or a known gap."""

import math

import pytest

from tradewind_simulator import preset, simulate
from tradewind_simulator.report import Comparison, compare
from tradewind_simulator.report.measures import MEASURES

DAYS = 120
"""Enough for first parcels to have ended and first leads to be won: a third of the default world."""
KNOWN_GAPS = {
    "state of origin": "half of a small world's parcels come from a dozen merchants, so that where these few live moves the shares",
}
WORST_GAP = 1.25
"""A known gap may be so many times its tolerance (and noise) wide, no more."""


@pytest.fixture(scope="module")
def comparisons(tmp_path_factory: pytest.TempPathFactory) -> list[Comparison]:
    out = tmp_path_factory.mktemp("fidelity") / "world"
    simulate(preset("small", days=DAYS, eta_law={"share": 0.0}), out)
    return compare(out, None)


def test_each_measure_is_compared_with_a_figure_that_has_a_source(comparisons: list[Comparison]) -> None:
    assert [c.name for c in comparisons] == [measure.name for measure in MEASURES]
    assert [c.name for c in comparisons if math.isnan(c.distance) or not c.count or not c.source] == []


def test_simulated_distributions_and_rates_are_the_public_ones_but_for_the_known_gaps(comparisons: list[Comparison]) -> None:
    outside = {c.name: f"{c.simulated:.4g} beside {c.real:.4g}: {c.distance:.3f} apart" for c in comparisons if c.is_within is not True}
    assert outside.keys() <= KNOWN_GAPS.keys(), outside


def test_known_gaps_are_measures_and_do_not_widen(comparisons: list[Comparison]) -> None:
    by_name = {c.name: c for c in comparisons}
    assert KNOWN_GAPS.keys() <= by_name.keys()
    for name in KNOWN_GAPS:
        gap = by_name[name]
        assert gap.distance <= WORST_GAP * (gap.tolerance + gap.noise), name
