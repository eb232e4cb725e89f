"""The plain models look at what they say they do, and at delivered parcels only."""

import numpy as np
import pytest
from eta_simulation import DAY, FIELDS, START, config, simulate

from tradewind_contracts.bundle import REQUEST
from tradewind_models.eta.features import FEATURES
from tradewind_models.eta.plain import PLAIN_ON_OUR_FEATURES, PLAIN_ON_REQUEST, PlainModel, plain_days

PLAIN = PlainModel("plain", FIELDS, rounds=40, learning_rate=0.1)


@pytest.fixture(scope="module")
def simulated():
    return simulate(1500, 120, 4)


def test_the_model_on_the_request_sees_no_view_and_the_other_sees_ours():
    assert {field.view for field in PLAIN_ON_REQUEST.features} == {REQUEST, "parcel_request"}
    assert PLAIN_ON_OUR_FEATURES.features == FEATURES


def test_a_plain_model_learns_from_text_and_numbers(simulated):
    def error(plain):
        return np.abs(plain_days(simulated.frame, simulated.frame.columns, plain, config())[:, 1] - simulated.median_days).mean()

    blind = PlainModel("blind", tuple(field for field in FIELDS if field.dtype != "string"), rounds=40, learning_rate=0.1)
    assert error(PLAIN) < 0.75 * error(blind) < 0.75 * np.abs(simulated.median_days - np.median(simulated.median_days)).mean()


def test_parcels_under_way_teach_a_plain_model_nothing(simulated):
    known = simulated.frame.known_at(START + 90 * DAY)
    delivered = known.take(np.flatnonzero(~np.isnan(known.duration_days)))
    assert len(delivered) < len(known)
    found = plain_days(known, simulated.frame.columns, PLAIN, config())
    np.testing.assert_array_equal(found, plain_days(delivered, simulated.frame.columns, PLAIN, config()))
