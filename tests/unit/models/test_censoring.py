"""Weights and life tables against slow, independent reckonings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tradewind_models.eta.censoring import EDGES, censoring_weights, life_table


def _parcels(seed: int, n: int = 60, until: float = 40.0):
    source = np.random.default_rng(seed)
    ordered = np.round(source.random(n) * 38, 3)
    delivered = ordered + source.gamma(3, 4, n)
    return ordered, np.where(delivered < until, delivered, np.nan), source.uniform(4, 12, n)


def _slow_distribution(ordered, delivered, scale, start, end):
    """Occurrence over exposure, parcel by parcel and bin by bin."""
    exposure, events = np.zeros(len(EDGES) - 1), np.zeros(len(EDGES) - 1)
    for p, d, s in zip(ordered, delivered, scale, strict=True):
        stop = min(end, d) if d == d else end
        for b in range(len(EDGES) - 1):
            low, high = p + EDGES[b] * s, p + EDGES[b + 1] * s
            exposure[b] += max(0.0, min(high, stop) - max(low, start)) / s
            if d == d and start <= d < end and low <= d < high:
                events[b] += 1
    hazard = np.array([e / x if x > 1e-9 else 0.0 for e, x in zip(events, exposure, strict=True)])
    arrived = 1 - np.exp(-np.concatenate([[0], np.cumsum(hazard * np.diff(EDGES))]))
    return (arrived / arrived[-1] if events.sum() else arrived), events.sum()


@hypothesis_settings(max_examples=15)
@given(seed=st.integers(0, 1000), start=st.integers(0, 25), width=st.integers(5, 14))
def test_the_life_table_of_a_window_is_the_slow_count_of_deliveries_over_exposure(seed, start, width):
    ordered, delivered, scale = _parcels(seed)
    expected, events = _slow_distribution(ordered, delivered, scale, start, start + width)
    found, total = life_table(ordered, delivered, scale, 40.0).distribution(start, start + width)
    assert total == events
    if events:
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_life_table_of_uncensored_parcels_gives_back_the_quantiles_of_their_durations():
    source = np.random.default_rng(3)
    ordered, duration = source.random(20_000) * 300, source.gamma(4, 2.0, 20_000)
    table = life_table(ordered, ordered + duration, np.full(20_000, 8.0), 400.0)
    for level in (0.1, 0.5, 0.9):
        assert table.quantile(level, 50, 250, 1) * 8.0 == pytest.approx(np.quantile(duration, level), rel=0.02)


def test_a_window_of_the_life_table_depends_on_nothing_that_happens_after_it():
    ordered, delivered, scale = _parcels(5, 400)
    before = life_table(ordered, delivered, scale, 40.0).distribution(5, 20)[0]
    changed = np.where(delivered >= 20, np.nan, delivered)
    after = life_table(ordered, changed, scale, 40.0).distribution(5, 20)[0]
    np.testing.assert_array_equal(before, after)
    earlier = np.where(delivered >= 20, delivered, delivered + 1.0)
    assert not np.array_equal(before, life_table(ordered, earlier, scale, 40.0).distribution(5, 20)[0])


def test_too_few_deliveries_say_nothing():
    ordered, delivered, scale = _parcels(1)
    assert np.isnan(life_table(ordered, delivered, scale, 40.0).quantile(0.5, 5, 20, 10_000))


def test_a_weight_is_one_over_the_share_of_recent_orders_old_enough_to_show_that_duration():
    ordered, delivered, _ = _parcels(2, 200)
    duration = delivered - ordered
    found = censoring_weights(ordered, duration, 40.0, 30.0, 0.05)
    recent = [row for row in range(200) if 40.0 - ordered[row] <= 30.0]
    for row in range(200):
        if np.isnan(duration[row]):
            assert found[row] == 0
        elif row not in recent:
            assert found[row] == 1
        else:
            old_enough = sum(40.0 - ordered[other] >= duration[row] for other in recent) / len(recent)
            assert found[row] == pytest.approx(1 / max(old_enough, 0.05))


def test_weights_and_life_tables_do_not_depend_on_the_order_of_rows():
    ordered, delivered, scale = _parcels(7, 150)
    mixed = np.random.default_rng(0).permutation(150)
    weights = censoring_weights(ordered, delivered - ordered, 40.0, 30.0, 0.05)
    np.testing.assert_array_equal(weights[mixed], censoring_weights(ordered[mixed], (delivered - ordered)[mixed], 40.0, 30.0, 0.05))
    table, other = (
        life_table(o, d, s, 40.0) for o, d, s in ((ordered, delivered, scale), (ordered[mixed], delivered[mixed], scale[mixed]))
    )
    np.testing.assert_allclose(table.exposure, other.exposure, atol=1e-9)
    np.testing.assert_array_equal(table.events, other.events)


def test_a_parcel_delivered_before_it_was_ordered_counts_nowhere():
    ordered, delivered, scale = _parcels(1)
    table = life_table(ordered, delivered, scale, 40.0)
    with_dirt = life_table(np.append(ordered, 0.5), np.append(delivered, -3.0), np.append(scale, 8.0), 40.0)
    assert with_dirt.events.sum() == table.events.sum()
    assert with_dirt.exposure.sum() == pytest.approx(table.exposure.sum())
