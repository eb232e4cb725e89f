"""Metrics against answers reckoned by hand."""

import numpy as np
import pytest

from tradewind_models.bootstrap import paired_difference
from tradewind_models.eta.metrics import measure, pinball


def test_the_pinball_loss_charges_lateness_by_the_level_and_earliness_by_the_rest():
    actual, forecast = np.array([10.0, 10.0, 10.0]), np.array([8.0, 13.0, 10.0])
    np.testing.assert_allclose(pinball(actual, forecast, 0.9), [1.8, 0.3, 0.0])
    np.testing.assert_allclose(pinball(actual, forecast, 0.1), [0.2, 2.7, 0.0])


def test_the_quantile_of_a_sample_has_the_least_pinball_loss_of_all_constants():
    sample = np.random.default_rng(1).gamma(3, 4, 501)
    candidates = np.linspace(sample.min(), sample.max(), 2001)
    losses = [sum(0.9 * (y - c) if y > c else 0.1 * (c - y) for y in sample) for c in candidates]
    best = min(pinball(sample, np.full(501, c), 0.9).sum() for c in candidates)
    assert best == pytest.approx(min(losses))
    assert candidates[int(np.argmin(losses))] == pytest.approx(np.quantile(sample, 0.9), abs=0.2)


def test_metrics_weigh_rows_and_leave_out_those_without_an_outcome():
    actual = np.array([1.0, 4.0, np.nan])
    forecast = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    found = measure(actual, forecast, np.array([1.0, 3.0, 0.0]))
    assert (found.n, found.mae_days, found.coverage, found.width_days) == (2, 1.75, 0.25, 2.0)
    assert found.bias_days == pytest.approx((1 - 6) / 4)


def test_a_point_forecast_has_no_coverage():
    found = measure(np.array([1.0]), np.array([[np.nan, 2.0, np.nan]]), np.ones(1))
    assert found.mae_days == 1.0
    assert np.isnan(found.coverage)
    assert np.isnan(found.pinball_p90)


def test_the_interval_of_a_paired_difference_is_wider_where_days_share_their_errors():
    source = np.random.default_rng(0)
    day = np.repeat(np.arange(30), 40)
    own, shared = source.standard_normal(1200), np.repeat(source.standard_normal(30), 40)
    narrow = paired_difference(own, np.zeros(1200), np.ones(1200), day, 1)
    wide = paired_difference(shared, np.zeros(1200), np.ones(1200), day, 1)
    assert narrow[0] == pytest.approx(own.mean())
    assert wide[2] - wide[1] > 3 * (narrow[2] - narrow[1])


def test_equal_forecasts_do_not_differ():
    assert paired_difference(np.ones(9), np.ones(9), np.ones(9), np.arange(9), 1) == (0.0, 0.0, 0.0)
