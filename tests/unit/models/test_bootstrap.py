"""The bootstrap over days against a slow oracle of its own, and against what its interval claims."""

import math
import random

import numpy as np
import pytest

from tradewind_models.bootstrap import LEAST_GROUPS, RUN, mean_with_interval, paired_difference


def slow_interval(values, weights, groups, resamples, seed):
    """The percentile interval by the book: runs of days are drawn with replacement by another generator, and their rows averaged."""
    source, days = random.Random(seed), sorted(set(groups.tolist()))
    rows = {day: [row for row in range(len(groups)) if groups[row] == day] for day in days}
    means = []
    for _ in range(resamples):
        drawn = [
            row
            for place in source.choices(range(len(days)), k=len(days) // RUN)
            for step in range(RUN)
            for row in rows[(place + step) % len(days)]
        ]
        means.append(sum(values[row] * weights[row] for row in drawn) / sum(weights[row] for row in drawn))
    means.sort()
    return means[round(0.025 * (resamples - 1))], means[round(0.975 * (resamples - 1))]


def by_day(source, days=30, per_day=12, between=1.0):
    """Values whose days share a part of their error, unequal weights and days of unequal size."""
    size = source.integers(1, 2 * per_day, days)
    day = np.repeat(np.arange(days), size)
    return source.normal(0.0, between, days)[day] + source.normal(0.0, 1.0, len(day)), source.uniform(0.5, 2.0, len(day)), day


def test_the_interval_is_that_of_an_independent_slow_bootstrap():
    values, weights, day = by_day(np.random.default_rng(3))
    mean, low, high = mean_with_interval(values, weights, day, seed=1)
    slow_low, slow_high = slow_interval(values, weights, day, 4000, seed=2)
    assert mean == pytest.approx(np.average(values, weights=weights))
    # Two generators and 1,000 resamples: the ends of an interval of this width move by a few hundredths of it.
    assert low == pytest.approx(slow_low, abs=0.08 * (high - low))
    assert high == pytest.approx(slow_high, abs=0.08 * (high - low))


def test_the_interval_covers_the_truth_nearly_as_often_as_it_claims_where_days_share_their_errors():
    source = np.random.default_rng(11)
    worlds, covered, by_rows = 400, 0, 0
    for world in range(worlds):
        values, weights, day = by_day(source)
        _, low, high = mean_with_interval(values, weights, day, seed=world)
        covered += low <= 0.0 <= high
        _, low, high = mean_with_interval(values, weights, np.random.default_rng(world).permutation(len(day)), seed=world)
        by_rows += low <= 0.0 <= high
    # Thirty days and percentiles: 92 to 94 % instead of 95 (Cameron, Gelbach and Miller 2008); 0.03 is two standard errors of the count.
    assert 0.89 <= covered / worlds <= 0.98
    assert by_rows / worlds < 0.75, "rows alone claim too much"


def test_where_days_follow_each_other_the_interval_is_as_wide_as_their_runs_say():
    source = np.random.default_rng(13)
    worlds, days, covered, by_days = 300, 31, 0, 0
    for world in range(worlds):
        shocks, level = source.normal(0.0, 1.0, days + 50), 0.0
        walk = [level := 0.7 * level + shock for shock in shocks][50:]
        day, ones = np.arange(days), np.ones(days)
        _, low, high = mean_with_interval(np.array(walk), ones, day, seed=world)
        covered += low <= 0.0 <= high
        # The same days in an order that tells nothing: what single days would claim.
        _, low, high = mean_with_interval(np.array(walk), ones, source.permutation(days), seed=world)
        by_days += low <= 0.0 <= high
    assert covered / worlds >= 0.68
    assert by_days / worlds <= 0.62, "single days claim too much"


def test_pairing_takes_out_what_two_models_share():
    values, weights, day = by_day(np.random.default_rng(5), between=3.0)
    better = values - 0.2
    _, low, high = paired_difference(better, values, weights, day, seed=1)
    assert (low, high) == (pytest.approx(-0.2), pytest.approx(-0.2))
    alone = mean_with_interval(better, weights, day, seed=1)
    assert alone[2] - alone[1] > 1.0


def test_the_order_of_rows_and_the_names_of_days_do_not_matter():
    values, weights, day = by_day(np.random.default_rng(7))
    shuffled = np.random.default_rng(8).permutation(len(day))
    found = mean_with_interval(values, weights, day, seed=1)
    assert mean_with_interval(values[shuffled], weights[shuffled], day[shuffled] + 17_500.0, seed=1) == pytest.approx(found)


def test_too_few_days_have_a_mean_and_no_interval():
    few = np.repeat(np.arange(LEAST_GROUPS - 1), 50)
    mean, low, high = mean_with_interval(np.ones(len(few)), np.ones(len(few)), few, seed=1)
    assert mean == 1.0
    assert math.isnan(low)
    assert math.isnan(high)
    assert mean_with_interval(np.ones(LEAST_GROUPS), np.ones(LEAST_GROUPS), np.arange(LEAST_GROUPS), seed=1) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("values", "weights"), [([], []), ([1.0] * 9, [0.0] * 9), ([math.nan, *[1.0] * 8], [1.0] * 9)], ids=["no rows", "no weight", "a NaN"]
)
def test_what_has_no_mean_has_no_interval(values, weights):
    found = mean_with_interval(np.array(values), np.array(weights), np.arange(len(values)), seed=1)
    assert all(math.isnan(value) for value in found)
