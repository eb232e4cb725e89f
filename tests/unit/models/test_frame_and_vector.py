"""What a frame shows at an instant, and how named columns become a vector."""

from dataclasses import replace

import numpy as np
import pytest
from eta_simulation import DAY, FIELDS, START, simulate

from tradewind_contracts.bundle import FeatureField
from tradewind_models.eta import EtaConfig
from tradewind_models.eta.config import CalibrationConfig, LevelConfig
from tradewind_models.eta.vector import answer, days_at, matrix


def test_a_frame_at_an_earlier_instant_shows_only_what_had_happened_before_it():
    frame = simulate(500, 60, 1).frame
    cut = START + 30 * DAY
    known = frame.known_at(cut)
    assert len(known) == int((frame.ordered_at < cut).sum())
    assert (known.delivered_at[~np.isnat(known.delivered_at)] < cut).all()
    kept = frame.ordered_at < cut
    under_way = kept & (frame.delivered_at >= cut)
    assert under_way.sum() == np.isnan(known.duration_days).sum() > 0
    assert np.isnat(known.handed_over_at).sum() == (kept & (frame.handed_over_at >= cut)).sum() > 0


def test_a_delivery_at_the_instant_itself_is_not_yet_known():
    frame = simulate(10, 5, 1).frame
    at = np.sort(frame.delivered_at)[4]
    assert (~np.isnat(frame.known_at(at).delivered_at)).sum() == 4


def test_a_frame_of_uneven_columns_is_refused():
    frame = simulate(10, 5, 1).frame
    with pytest.raises(ValueError, match="one length"):
        replace(frame, columns={"weight_kg": np.ones(9)})


def test_a_vector_has_nan_for_whatever_is_absent_unknown_or_infinite():
    found = matrix(
        {"weight_kg": np.array([1.0, np.inf, 3.0]), "goods__category": np.array(["toys", "stars", None], dtype=object)},
        FIELDS,
        {"goods__category": ("books", "toys")},
    )
    np.testing.assert_array_equal(found[:, 0], [1.0, np.nan, 3.0])
    assert np.isnan(found[:, 1:3]).all()
    np.testing.assert_array_equal(found[:, 3], [1.0, np.nan, np.nan])


def test_columns_of_several_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        matrix({"weight_kg": np.ones(2), "place__distance_km": np.ones(3)}, FIELDS, {"goods__category": ()})


def test_an_answer_never_crosses():
    found = answer(np.array([[5.0, 4.0, 9.0], [1.0, 2.0, 3.0]]), np.array([2.0, 1.0, 1.0]))
    np.testing.assert_array_equal(found, [[4.0, 9.0, 10.0], [2.0, 2.0, 3.0]])


def test_a_promise_grows_with_its_confidence_and_meets_the_quantiles():
    quantiles = np.array([[5.0, 9.0, 20.0]])
    assert [days_at(quantiles, (0.1, 0.5, 0.9), level)[0] for level in (0.1, 0.5, 0.9)] == pytest.approx([5, 9, 20])
    promises = [days_at(quantiles, (0.1, 0.5, 0.9), level)[0] for level in (0.05, 0.3, 0.7, 0.95, 0.99)]
    assert promises == sorted(promises)
    assert promises[-1] > 20


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, 2.0])
def test_a_promise_for_certain_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence"):
        days_at(np.array([[5.0, 9.0, 20.0]]), (0.1, 0.5, 0.9), confidence)


def test_knobs_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="twice"):
        EtaConfig(features=(*FIELDS, FIELDS[0]), level=LevelConfig(scale_features=()))
    with pytest.raises(ValueError, match="not among the features"):
        EtaConfig(features=FIELDS, level=LevelConfig(scale_features=("moon_phase",)))
    with pytest.raises(ValueError, match="quantiles"):
        EtaConfig(quantiles=(0.5, 0.1), calibration=CalibrationConfig(levels=(0.5, 0.1)))
    with pytest.raises(ValueError, match="folds"):
        EtaConfig(folds=0)


def test_nothing_of_the_whole_network_is_among_the_features():
    assert not [field for field in EtaConfig().features if field.view.startswith("network")]
    assert FeatureField(view="parcel_request", name="distance_km") in EtaConfig().features
