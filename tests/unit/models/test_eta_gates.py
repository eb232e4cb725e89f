"""The gates of the ETA family on evaluations made by hand: each can fail, and their names and thresholds stand."""

import copy
import datetime as dt

import pytest

from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_lifecycle.gating import Measurements, judge_all
from tradewind_lifecycle.gating.measurements import BundleMeasured, Paired
from tradewind_models.eta.gates import GATES

NOW = dt.datetime(2018, 6, 1, tzinfo=dt.UTC)
NO_CHAMPION = "there was no champion to compare with"
GOOD = {
    "overall": {
        "eta": {"mae_days": 4.0, "pinball_p10": 0.7, "pinball_p90": 1.3, "coverage": 0.8},
        "lane_median": {"mae_days": 4.5, "pinball_p10": 0.8, "pinball_p90": 1.5, "coverage": 0.75},
    },
    "differences": {
        "lane_median": {"mae_days": -0.5, "low": -0.7, "high": -0.3},
        "promise": {"mae_days": -9.0, "low": -9.5, "high": -8.0},
    },
    "intervals": {"coverage": {"low": 0.78, "high": 0.82}},
    "levels": [
        {"claimed": 0.1, "observed": 0.12, "low": 0.1, "high": 0.14},
        {"claimed": 0.5, "observed": 0.61, "low": 0.58, "high": 0.64},
        {"claimed": 0.9, "observed": 0.93, "low": 0.9, "high": 0.95},
    ],
    "slices": [
        {"dimension": "state", "value": "SP", "n": 900, "models": {"eta": {"mae_days": 3.0}, "lane_median": {"mae_days": 3.3}}},
        {"dimension": "state", "value": "AC", "n": 40, "models": {"eta": {"mae_days": 9.0}, "lane_median": {"mae_days": 3.3}}},
    ],
}
KEPT = CheckResult(suite="s", table="t", claim="made up", severity=Severity.CRITICAL, passed=True, rows=1)
CLAIMS = {name: [KEPT] for name in ("landing", "marts", "features", "training_set", "parity", "leaks_in_features", "leaks_in_training_set")}
BUNDLE = BundleMeasured(megabytes=1.7, load_ms=30.0, call_ms=(0.5, 0.6, 0.7))
THRESHOLDS = {
    "beats_the_lane_median": 0.0,
    "beats_the_promise": 0.0,
    "not_worse_than_the_champion": 0.1,
    "sharper_low_quantile": 1.0,
    "sharper_high_quantile": 1.0,
    "covers_enough": 0.7,
    "covers_no_more": 0.9,
    "calibrated": 0.15,
    "no_slice_much_worse": 1.15,
    "golden_rows_hold": 0.0,
    "data_quality_passed": 0.0,
    "online_equals_offline": 0.0,
    "sees_no_future": 0.0,
    "answers_in_time": 20.0,
    "bundle_is_small": 20.0,
}


def verdicts(evaluation=GOOD, champion=NO_CHAMPION, claims=CLAIMS, bundle=BUNDLE):
    return {verdict.gate: verdict for verdict in judge_all(GATES, Measurements("eta", evaluation, champion, claims, bundle), NOW)}


def failed(**found):
    return {name for name, verdict in verdicts(**found).items() if not verdict.passed}


def changed(*path, value):
    evaluation = copy.deepcopy(GOOD)
    place = evaluation
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return evaluation


def test_the_gates_and_their_thresholds_are_these():
    assert {gate.name: gate.threshold for gate in GATES} == THRESHOLDS
    assert len(GATES) == len(THRESHOLDS)


def test_a_good_first_version_passes_although_there_is_no_champion():
    assert failed() == set()


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
        (("levels", 1, "observed"), 0.66, "calibrated"),
        (("levels", 2, "observed"), None, "calibrated"),
        (("slices", 0, "models", "eta", "mae_days"), 4.0, "no_slice_much_worse"),
    ],
)
def test_each_gate_fails_on_what_it_is_there_for(path, value, gate):
    assert gate in failed(evaluation=changed(*path, value=value))


def test_a_version_clearly_worse_than_the_champion_fails_and_one_within_the_margin_passes():
    assert failed(champion={"mae_days": Paired(0.15, 0.1, 0.2)}) == {"not_worse_than_the_champion"}
    assert failed(champion={"mae_days": Paired(0.02, -0.03, 0.07)}) == set()


def test_where_there_is_nothing_to_compare_with_the_verdict_says_why():
    why = "eta@3 knows until 2018-05-31 and has seen this holdout"
    verdict = verdicts(champion=why)["not_worse_than_the_champion"]
    assert (verdict.passed, verdict.value, verdict.reason) == (True, None, why)


def test_a_baseline_that_was_not_measured_fails():
    evaluation = copy.deepcopy(GOOD)
    del evaluation["differences"]["promise"]
    assert failed(evaluation=evaluation) == {"beats_the_promise"}


def test_a_small_slice_is_shown_but_not_gated():
    assert "n = 900" in verdicts()["no_slice_much_worse"].reason


@pytest.mark.parametrize(
    ("check", "gate"),
    [
        ("marts", "data_quality_passed"),
        ("parity", "online_equals_offline"),
        ("leaks_in_features", "sees_no_future"),
        ("leaks_in_training_set", "sees_no_future"),
    ],
)
def test_a_broken_claim_fails_its_gate_and_so_does_a_check_that_was_not_made(check, gate):
    broken = KEPT.model_copy(update={"passed": False, "failing_rows": 3})
    assert failed(claims={**CLAIMS, check: [KEPT, broken]}) == {gate}
    assert failed(claims={**CLAIMS, check: "no world has landed"}) == {gate}
    assert failed(claims={**CLAIMS, check: []}) == {gate}
    assert failed(claims={name: found for name, found in CLAIMS.items() if name != check}) == {gate}


def test_a_bundle_that_is_broken_slow_or_large_fails():
    assert failed(bundle=BundleMeasured(megabytes=20.1, load_ms=1.0, call_ms=(25.0, 25.0, 0.1))) == {"answers_in_time", "bundle_is_small"}
    assert failed(bundle=BundleMeasured(broken="golden rows: other answers", megabytes=1.0)) == {"golden_rows_hold", "answers_in_time"}
    assert failed(bundle="out of reach") == {"golden_rows_hold", "answers_in_time", "bundle_is_small"}
