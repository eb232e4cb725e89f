"""Gates on evaluations made by hand: each can fail."""

import copy
import datetime as dt

import pytest

from tradewind_models.eta.gates import GATES, NO_CHAMPION, verdict_of_count, verdicts_of

NOW = dt.datetime(2018, 6, 1, tzinfo=dt.UTC)
GOOD = {
    "overall": {
        "eta": {"mae_days": 4.0, "pinball_p10": 0.7, "pinball_p90": 1.3, "coverage": 0.8},
        "lane_median": {"mae_days": 4.5, "pinball_p10": 0.8, "pinball_p90": 1.5, "coverage": 0.75},
    },
    "differences": {
        "lane_median": {"mae_days": -0.5, "low": -0.7, "high": -0.3},
        "promise": {"mae_days": -9.0, "low": -9.5, "high": -8.0},
    },
    "slices": [
        {"dimension": "state", "value": "SP", "n": 900, "models": {"eta": {"mae_days": 3.0}, "lane_median": {"mae_days": 3.3}}},
        {"dimension": "state", "value": "AC", "n": 40, "models": {"eta": {"mae_days": 9.0}, "lane_median": {"mae_days": 3.3}}},
    ],
}


def _failed(evaluation, champion=NO_CHAMPION):
    return {verdict.gate for verdict in verdicts_of(evaluation, champion, NOW) if not verdict.passed}


def _changed(*path, value):
    evaluation = copy.deepcopy(GOOD)
    place = evaluation
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return evaluation


def test_a_good_first_version_passes_although_there_is_no_champion():
    assert _failed(GOOD) == set()


@pytest.mark.parametrize(
    ("path", "value", "gate"),
    [
        (("differences", "lane_median", "high"), 0.01, "beats_the_lane_median"),
        (("differences", "promise", "high"), 0.01, "beats_the_promise"),
        (("overall", "eta", "pinball_p10"), 0.9, "sharper_low_quantile"),
        (("overall", "eta", "pinball_p90"), 1.6, "sharper_high_quantile"),
        (("overall", "eta", "coverage"), 0.6, "covers_enough"),
        (("overall", "eta", "coverage"), 0.95, "covers_no_more"),
        (("overall", "eta", "coverage"), None, "covers_enough"),
        (("slices", 0, "models", "eta", "mae_days"), 4.0, "no_slice_much_worse"),
    ],
)
def test_each_gate_fails_on_what_it_is_there_for(path, value, gate):
    assert gate in _failed(_changed(*path, value=value))


def test_a_version_clearly_worse_than_the_champion_fails_and_one_within_the_margin_passes():
    assert _failed(GOOD, (0.15, 0.1, 0.2)) == {"not_worse_than_the_champion"}
    assert _failed(GOOD, (0.02, -0.03, 0.07)) == set()


def test_where_there_is_nothing_to_compare_with_the_verdict_says_why():
    why = "eta@3 knows until 2018-05-31 and has seen this holdout"
    (verdict,) = [v for v in verdicts_of(GOOD, why, NOW) if v.gate == "not_worse_than_the_champion"]
    assert (verdict.passed, verdict.value, verdict.reason) == (True, None, why)


def test_a_baseline_that_was_not_measured_fails():
    evaluation = copy.deepcopy(GOOD)
    del evaluation["differences"]["promise"]
    assert _failed(evaluation) == {"beats_the_promise"}


def test_a_small_slice_is_shown_but_not_gated():
    assert "n = 900" in next(v.reason for v in verdicts_of(GOOD, NO_CHAMPION, NOW) if v.gate == "no_slice_much_worse")


@pytest.mark.parametrize(("failures", "passed"), [(0, True), (1, False), (None, False)])
def test_a_count_of_failures_passes_at_nought_only(failures, passed):
    assert verdict_of_count("online_equals_offline", failures, NOW).passed is passed


def test_every_gate_has_its_own_name():
    assert len({gate.name for gate in GATES}) == len(GATES)
