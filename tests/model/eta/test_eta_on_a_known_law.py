"""The family on a delivery law whose truth is known: what it must recover, and what it must never do."""

import numpy as np
import pytest
from eta_simulation import DAY, FIELDS, SLOWER, START, config, naive, replace_model, shuffled, simulate, without_view

from tradewind_models.eta import Holdout, evaluate, fit, recalibrate
from tradewind_models.eta.config import TreesConfig
from tradewind_models.eta.metrics import measure
from tradewind_models.eta.model import follow

LEVELS = (0.1, 0.5, 0.9)
CUT = START + 70 * DAY
AMPLE = TreesConfig(rounds=100, min_data_in_leaf=100, feature_fraction=1.0, learning_rate=0.1)


def _bias(model, later):
    """Mean prediction over mean truth, less one, of each quantile."""
    predicted = model.predict(later.frame.columns)
    return np.array([predicted[:, i].mean() / later.quantile_days(level).mean() - 1 for i, level in enumerate(LEVELS)])


@pytest.fixture(scope="module")
def law():
    """33,000 orders over 100 days; two fifths of the last weeks' are still under way at CUT."""
    return simulate(33_000, 100, 1)


@pytest.fixture(scope="module")
def later(law):
    return law.take(np.flatnonzero(law.frame.ordered_at >= CUT))


@pytest.fixture(scope="module")
def model(law):
    return fit(law.frame.known_at(CUT), config(trees=AMPLE))


def test_right_censored_parcels_bias_no_quantile_by_two_percent(model, later):
    assert np.abs(_bias(model, later)).max() < 0.02


def test_trees_on_delivered_parcels_alone_are_biased_and_the_weights_mend_them(law, later):
    known = law.frame.known_at(CUT)
    plain = _bias(fit(known, naive(trees=AMPLE)), later)
    weighted = _bias(fit(known, replace_model(naive(trees=AMPLE), censoring=config().censoring)), later)
    assert plain[1] < -0.025
    assert abs(weighted[1]) < 0.02
    assert abs(weighted[2]) < abs(plain[2]) - 0.01


def test_the_interval_covers_what_it_claims(model, later):
    predicted = model.predict(later.frame.columns)
    found = measure(later.frame.duration_days, predicted, np.ones(len(later.frame)))
    assert found.coverage == pytest.approx(0.8, abs=0.03)


def test_farther_and_slower_goods_take_longer(model):
    base = {"weight_kg": 5.0, "place__distance_km": 800.0, "merchant__handling_days": 2.0, "goods__category": "books"}

    def median(**changes):
        row = {name: np.array([value], dtype=object if name == "goods__category" else float) for name, value in (base | changes).items()}
        return model.predict(row)[0, 1]

    steps = [median(place__distance_km=km) for km in (100.0, 600.0, 1200.0, 2000.0, 2800.0)]
    assert steps == sorted(steps)
    assert steps[-1] > 1.8 * steps[0]
    assert median(merchant__handling_days=5.0) > 1.1 * median(merchant__handling_days=1.0)
    assert median(goods__category="sofas") > 1.3 * median(goods__category="books")
    assert median(weight_kg=29.0) == pytest.approx(median(weight_kg=1.0), rel=0.1)


@pytest.mark.parametrize("view", sorted({field.view for field in FIELDS}))
def test_without_any_one_view_the_answer_stays_sane_and_beats_the_global_median(model, law, later, view):
    predicted = model.predict(without_view(later.frame, view).columns)
    assert np.isfinite(predicted).all()
    assert (predicted > 1.0).all()
    assert (predicted < 60.0).all()
    assert (np.diff(predicted, axis=1) >= 0).all()
    known = law.frame.known_at(CUT).duration_days
    floor = np.abs(later.frame.duration_days - np.nanmedian(known)).mean()
    assert np.abs(later.frame.duration_days - predicted[:, 1]).mean() < floor


def test_without_all_views_and_with_unknown_goods_the_answer_is_about_the_median_of_all(model, law):
    predicted = model.predict({"goods__category": np.array(["moonstones"], dtype=object)})
    assert np.isfinite(predicted).all()
    assert predicted[0, 1] == pytest.approx(np.median(law.median_days), rel=0.5)


def test_equal_rows_in_another_order_give_equal_answers(model, law, later):
    other = fit(shuffled(law.frame.known_at(CUT), 9), config(trees=AMPLE))
    np.testing.assert_array_equal(model.predict(later.frame.columns), other.predict(later.frame.columns))


def test_outcomes_after_the_cut_change_nothing_of_the_fit(law, model, later):
    changed = law.frame.delivered_at.copy()
    changed[changed >= CUT] += 20 * DAY
    frame = law.frame.known_at(CUT)
    other = fit(type(frame)(**{**vars_of(law.frame), "delivered_at": changed}).known_at(CUT), config(trees=AMPLE))
    np.testing.assert_array_equal(model.predict(later.frame.columns), other.predict(later.frame.columns))


def vars_of(frame):
    return {name: getattr(frame, name) for name in ("keys", "ordered_at", "handed_over_at", "delivered_at", "observed_until", "columns")}


@pytest.fixture(scope="module")
def slowing():
    """Everything takes 1.5 times as long from day 75 on."""
    return simulate(24_000, 120, 5, level=lambda day: 1.5 if day >= 75 else 1.0)


def test_the_calibration_follows_a_slower_network_while_the_trees_stay_frozen(slowing):
    frozen = fit(slowing.frame.known_at(CUT), config(trees=AMPLE))
    moved = recalibrate(frozen, slowing.frame, START + 112 * DAY)
    assert moved.ensembles is frozen.ensembles
    assert moved.calibration.factors[1] / frozen.calibration.factors[1] == pytest.approx(1.5, rel=0.12)


def test_each_day_is_calibrated_by_what_was_known_before_it(slowing):
    frame = slowing.frame
    model = fit(frame.known_at(CUT), config(trees=AMPLE))
    rows = np.flatnonzero((frame.ordered_at >= CUT) & (frame.ordered_at < START + 90 * DAY))
    days, tables = follow(model, frame, rows)
    cut = START + 80 * DAY
    changed = frame.delivered_at.copy()
    changed[changed >= cut] += 30 * DAY
    days_too, _ = follow(model, type(frame)(**{**vars_of(frame), "delivered_at": changed}), rows)
    # Orders of the day that begins at the cut are still answered by the table of that boundary.
    seen = frame.ordered_at[rows] < cut + DAY
    np.testing.assert_array_equal(days[seen], days_too[seen])
    assert not np.array_equal(days[~seen], days_too[~seen])
    assert [table.day for table in tables] == sorted({table.day for table in tables})


def test_an_evaluation_stands_beside_its_baselines_by_slice(law, model, later):
    rows = np.flatnonzero(law.frame.ordered_at >= CUT)
    constant = np.tile(np.nanquantile(law.frame.known_at(CUT).duration_days[:20_000], LEVELS), (len(rows), 1))
    holdout = Holdout(
        law.frame, rows, np.ones(len(rows)), {"global_median": constant}, {"category": law.frame.columns["goods__category"][rows]}
    )
    found = evaluate(model, holdout)
    assert {part.value for part in found.slices} == set(SLOWER)
    assert sum(part.metrics["eta"].n for part in found.slices) == found.rows == len(rows)
    mean, low, high = found.differences["global_median"]
    assert low < mean < high < 0
    assert mean == pytest.approx(found.overall["eta"].mae_days - found.overall["global_median"].mae_days)
    assert found.overall["eta"].pinball_p90 < found.overall["global_median"].pinball_p90
    assert found.to_json()["overall"]["eta"]["n"] == len(rows)
