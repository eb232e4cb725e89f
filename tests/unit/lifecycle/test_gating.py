"""Every kind of gate against answers reckoned by hand, for a family that is none of ours: probabilities, not quantiles."""

import datetime as dt
import json
import math

import numpy as np
import pytest

from tradewind_contracts import gates
from tradewind_contracts.errors import IntegrityError, NotFoundError
from tradewind_contracts.verdicts import CheckResult, Gate, Severity, Verdict, judge
from tradewind_lifecycle.gating import Measurements, judge_all
from tradewind_lifecycle.gating.bundles import CALLS, WARM_UP, measure_bundle
from tradewind_lifecycle.gating.families import families, gates_of, predictor_of
from tradewind_lifecycle.gating.measurements import BundleMeasured, Paired

NOW = dt.datetime(2018, 6, 1, tzinfo=dt.UTC)
GATES = (
    gates.beats("base_rate", metric="log_loss"),
    gates.beats("promise_rule", metric="auc", better="higher"),
    gates.not_worse_than_champion(metric="auc", margin=0.01, better="higher"),
    gates.sharper("sharper_brier", "brier", than="base_rate"),
    gates.calibrated(by=0.03),
    gates.no_slice_worse_than("base_rate", "log_loss", by=1.1, least_rows=100),
    gates.golden_rows_hold(),
    gates.no_leak(),
    gates.answers_within(milliseconds=2),
    gates.bundle_within(megabytes=5),
)
"""What a family of delivery risk might declare."""
EVALUATION = {
    "rows": 1000,
    "overall": {"toy": {"log_loss": 0.2, "brier": 0.05, "auc": 0.8}, "base_rate": {"log_loss": 0.3, "brier": 0.06, "auc": 0.5}},
    "differences": {
        "base_rate": {"log_loss": -0.1, "low": -0.13, "high": -0.07},
        "promise_rule": {"auc": 0.1, "low": 0.04, "high": 0.16},
    },
    "levels": [
        {"claimed": 0.02, "observed": 0.025, "low": 0.02, "high": 0.03},
        {"claimed": 0.3, "observed": 0.28, "low": 0.2, "high": 0.36},
    ],
    "slices": [{"dimension": "lane", "value": "SP-RJ", "n": 100, "models": {"toy": {"log_loss": 0.21}, "base_rate": {"log_loss": 0.2}}}],
}
KEPT = CheckResult(suite="s", table="t", claim="nothing is rewritten", severity=Severity.CRITICAL, passed=True, rows=5)
LEAKS = {"leaks_in_features": [KEPT], "leaks_in_training_set": [KEPT]}
BUNDLE = BundleMeasured(megabytes=1.0, load_ms=12.0, call_ms=(1.0, 1.2, 1.4))


def judged(gate: Gate, evaluation=EVALUATION, champion="no champion", claims=LEAKS, bundle=BUNDLE) -> Verdict:
    (verdict,) = judge_all([gate], Measurements("toy", evaluation, champion, claims, bundle), NOW)
    return verdict


def test_a_family_of_probabilities_declares_its_gates_with_the_same_constructors():
    found = judge_all(GATES, Measurements("toy", EVALUATION, {"auc": Paired(0.0, -0.005, 0.02)}, LEAKS, BUNDLE), NOW)
    assert {verdict.gate: verdict.reason for verdict in found if not verdict.passed} == {}
    assert [verdict.gate for verdict in found] == [gate.name for gate in GATES]
    assert {verdict.gate: verdict.value for verdict in found} == {
        "beats_the_base_rate": -0.07,
        "beats_the_promise_rule": 0.04,
        "not_worse_than_the_champion": -0.005,
        "sharper_brier": pytest.approx(5 / 6),
        "calibrated": pytest.approx(0.02),
        "no_slice_much_worse": pytest.approx(1.05),
        "golden_rows_hold": 0.0,
        "sees_no_future": 0.0,
        "answers_in_time": 1.2,
        "bundle_is_small": 1.0,
    }


def test_every_verdict_carries_what_its_plot_is_drawn_from_measured_or_not():
    whole = Measurements("toy", EVALUATION, {"auc": Paired(0.0, -0.005, 0.02)}, LEAKS, BUNDLE)
    empty = Measurements("toy", {}, "no champion", {}, "no bundle")
    forms = {"interval", "bars", "levels", "count"}
    for found in (whole, empty):
        for verdict in judge_all((*GATES, *gates.covers(0.8, at_least=0.7, at_most=0.9)), found, NOW):
            assert verdict.evidence["plot"] in forms, verdict.gate
            assert len(json.dumps(verdict.evidence, allow_nan=False)) < 4096


def test_an_empty_evaluation_passes_nothing_but_the_champion_that_there_is_not():
    found = judge_all(GATES, Measurements("toy", {}, "there was no champion", {}, "no bundle"), NOW)
    assert [verdict.gate for verdict in found if verdict.passed] == ["not_worse_than_the_champion"]
    assert all("not measured" in verdict.reason for verdict in found if not verdict.passed)


def test_where_higher_is_better_the_lower_end_of_the_interval_decides():
    gate = gates.beats("promise_rule", metric="auc", better="higher")
    assert judged(gate).passed
    worse = json.loads(json.dumps(EVALUATION))
    worse["differences"]["promise_rule"] = {"auc": 0.01, "low": -0.001, "high": 0.02}
    assert judged(gate, worse).value == -0.001
    assert not judged(gate, worse).passed
    champion = gates.not_worse_than_champion(metric="auc", margin=0.01, better="higher")
    assert judged(champion, champion={"auc": Paired(-0.005, -0.009, 0.0)}).passed
    assert not judged(champion, champion={"auc": Paired(-0.005, -0.011, 0.0)}).passed


def test_a_difference_of_another_metric_or_without_an_interval_is_not_measured():
    gate = gates.beats("base_rate", metric="brier")
    assert judged(gate).value is None
    assert "no difference of brier" in judged(gate).reason
    days = json.loads(json.dumps(EVALUATION))
    days["differences"]["base_rate"].update(low=None, high=None)
    verdict = judged(gates.beats("base_rate", metric="log_loss"), days)
    assert not verdict.passed
    assert "too few days" in verdict.reason
    unpaired = judged(gates.not_worse_than_champion(metric="auc", margin=0.01), champion={"brier": Paired(0, 0, 0)})
    assert not unpaired.passed
    nan = Paired(0.0, math.nan, math.nan)
    assert not judged(gates.not_worse_than_champion(metric="auc", margin=0.01), champion={"auc": nan}).passed


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, "0.5"])
@pytest.mark.parametrize("gate", gates.covers(0.8, at_least=0.7, at_most=0.9))
def test_a_metric_that_is_no_number_fails_on_both_sides(gate, value):
    evaluation = {**EVALUATION, "overall": {"toy": {"coverage": value}}}
    assert judged(gate, evaluation).value is None
    assert not judged(gate, evaluation).passed


def test_a_metric_shows_its_interval():
    evaluation = {**EVALUATION, "overall": {"toy": {"coverage": 0.8}}, "intervals": {"coverage": {"low": 0.78, "high": 0.83}}}
    enough, _ = gates.covers(0.8, at_least=0.7, at_most=0.9)
    verdict = judged(enough, evaluation)
    assert verdict.interval == (0.78, 0.83)
    shown = {"plot": "interval", "value": 0.8, "low": 0.78, "high": 0.83, "threshold": 0.7, "unit": ""}
    assert verdict.evidence == shown


def test_the_largest_gap_of_all_levels_decides_and_is_named():
    verdict = judged(gates.calibrated(by=0.01))
    assert verdict.value == pytest.approx(0.02)
    assert "28.0% of outcomes where 30% is claimed" in verdict.reason
    assert verdict.evidence["claimed"] == [0.02, 0.3]


@pytest.mark.parametrize("levels", [[], [{"claimed": 0.1, "observed": None, "low": None, "high": None}]])
def test_levels_that_nobody_observed_are_not_calibrated(levels):
    assert not judged(gates.calibrated(by=0.5), {**EVALUATION, "levels": levels}).passed


def sliced(*parts):
    slices = [{"dimension": "d", "value": v, "n": n, "models": {"toy": {"m": a}, "base": {"m": b}}} for v, n, a, b in parts]
    return {"slices": slices}


SLICE = gates.no_slice_worse_than("base", "m", by=1.1, least_rows=100)


def test_the_worst_large_slice_decides_and_small_ones_do_not():
    verdict = judged(SLICE, sliced(("a", 100, 1.2, 1.0), ("b", 500, 1.0, 1.0), ("c", 99, 9.0, 1.0)))
    assert (verdict.value, verdict.passed) == (1.2, False)
    assert "d a, n = 100" in verdict.reason
    assert verdict.evidence["labels"] == ["d a, n = 100", "d b, n = 500"]


def test_where_all_slices_are_small_none_is_judged_and_that_is_said():
    verdict = judged(SLICE, sliced(("a", 99, 9.0, 1.0)))
    assert (verdict.passed, verdict.value) == (True, None)
    assert "no slice has 100 rows" in verdict.reason


@pytest.mark.parametrize("models", [{"toy": {"m": None}, "base": {"m": 1.0}}, {"toy": {"m": 1.0}}, {"toy": {"m": 1.0}, "base": {"m": 0.0}}])
def test_a_large_slice_that_was_not_measured_fails_and_is_named(models):
    verdict = judged(SLICE, {"slices": [{"dimension": "d", "value": "a", "n": 100, "models": models}]})
    assert (verdict.passed, verdict.value) == (False, None)
    assert "d a" in verdict.reason


def test_an_evaluation_without_slices_was_not_measured():
    assert not judged(SLICE, {"slices": []}).passed


def test_only_the_worst_slices_are_kept_for_the_plot():
    parts = [(str(number), 100 + number, 0.5 + number / 1000, 1.0) for number in range(400)]
    verdict = judged(SLICE, sliced(*parts))
    assert verdict.evidence["labels"][0] == "d 399, n = 499"
    assert len(verdict.evidence["values"]) == 12


def test_claims_are_counted_as_claims_or_as_rows_and_warnings_do_not_count():
    broken = KEPT.model_copy(update={"passed": False, "failing_rows": 3})
    rowless = KEPT.model_copy(update={"passed": False, "failing_rows": 0})
    warned = broken.model_copy(update={"severity": Severity.WARNING})
    leaks = {**LEAKS, "leaks_in_features": [KEPT, broken, warned]}
    verdict = judged(gates.no_leak(), claims=leaks)
    assert verdict.value == 1.0
    assert "t: nothing is rewritten" in verdict.reason
    assert verdict.evidence == {"plot": "count", "failed": 1, "of": 4}
    assert judged(gates.parity(), claims={"parity": [KEPT, broken, rowless]}).value == 4.0
    assert judged(gates.parity(), claims={"parity": [KEPT, warned]}).passed


def test_a_claim_that_had_nothing_to_compare_with_was_not_measured_and_fails():
    blind = KEPT.model_copy(
        update={"passed": False, "severity": Severity.WARNING, "rows": 0, "observed": {"not_compared": "dbt compiled an increment"}}
    )
    verdict = judged(gates.no_leak(), claims={**LEAKS, "leaks_in_features": [KEPT, blind]})
    assert (verdict.passed, verdict.value) == (False, None)
    assert "t was not compared: dbt compiled an increment" in verdict.reason
    needless = blind.model_copy(update={"passed": True})
    assert judged(gates.no_leak(), claims={**LEAKS, "leaks_in_features": [KEPT, needless]}).passed
    found = KEPT.model_copy(update={"passed": False, "failing_rows": 2})
    assert judged(gates.no_leak(), claims={**LEAKS, "leaks_in_features": [blind, found]}).value == 1.0, (
        "a leak that was found is named first"
    )


def test_parity_of_not_one_vector_fails_and_of_few_is_only_warned_about():
    few = KEPT.model_copy(update={"passed": False, "severity": Severity.WARNING, "rows": 7})
    assert judged(gates.parity(), claims={"parity": [KEPT, few]}).passed
    verdict = judged(gates.parity(), claims={"parity": [KEPT, few.model_copy(update={"rows": 0})]})
    assert (verdict.passed, verdict.value) == (False, None)
    assert "t: not one row was compared" in verdict.reason


def test_a_champion_gate_keeps_which_champion_it_was():
    gate = gates.not_worse_than_champion(metric="auc", margin=0.01)
    for champion, passed in (({"auc": Paired(0.0, -0.005, 0.005)}, True), ({}, False), ("it has seen this holdout", True)):
        (verdict,) = judge_all([gate], Measurements("toy", EVALUATION, champion, beside=6), NOW)
        assert (verdict.passed, verdict.evidence["beside"]) == (passed, 6)


def test_a_plain_gate_of_no_kind_is_measured_by_nobody_and_fails():
    verdict = judged(Gate(name="g", claim="c", direction="at_most", threshold=1.0))
    assert not verdict.passed
    assert "nobody measures" in verdict.reason


class Family:
    """A predictor module of a toy family: its clock moves by a millisecond in each call, by ten in a load."""

    def __init__(self, broken: str = "") -> None:
        self.now, self.broken, self.asked = 0.0, broken, 0

    def load(self, folder):
        self.now += 0.01
        if self.broken:
            raise IntegrityError(self.broken)
        return self

    def golden_columns(self, folder):
        return {"x": np.array([1.0, 2.0])}

    def predict(self, columns):
        assert len(columns["x"]) == 1
        self.asked += 1
        self.now += 0.5 if self.asked <= WARM_UP else 0.001

    def clock(self):
        return self.now


def test_a_bundle_is_weighed_loaded_and_asked_for_one_row_after_a_warm_up(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.txt").write_bytes(b"x" * 1_500_000)
    (tmp_path / "deep" / "b.txt").write_bytes(b"x" * 500_000)
    family = Family()
    found = measure_bundle(tmp_path, family, clock=family.clock)
    assert found.megabytes == 2.0
    assert found.load_ms == pytest.approx(10.0)
    assert len(found.call_ms) == CALLS
    assert max(found.call_ms) == pytest.approx(1.0), "the warm-up does not count"
    assert judged(gates.answers_within(milliseconds=1.01), bundle=found).passed
    assert not judged(gates.answers_within(milliseconds=0.99), bundle=found).passed
    assert not judged(gates.bundle_within(megabytes=1.9), bundle=found).passed


def test_a_broken_bundle_is_weighed_and_never_asked(tmp_path):
    family = Family("golden rows: the trees do not answer as they did")
    found = measure_bundle(tmp_path, family, clock=family.clock)
    assert (family.asked, found.megabytes) == (0, 0.0)
    verdict = judged(gates.golden_rows_hold(), bundle=found)
    assert (verdict.passed, verdict.value) == (False, 1.0)
    assert "the trees do not answer" in verdict.reason
    assert "the trees do not answer" in judged(gates.answers_within(milliseconds=1e9), bundle=found).reason


def test_families_are_found_by_their_folders_and_an_unknown_one_is_refused_by_name():
    assert "eta" in families()
    assert len(gates_of("eta")) >= 12
    with pytest.raises(NotFoundError, match=r"'risky'.*eta"):
        gates_of("risky")
    with pytest.raises(NotFoundError, match="risky"):
        predictor_of("risky")


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("direction", ["at_most", "at_least"])
def test_no_threshold_is_passed_by_what_is_no_finite_number(value, direction):
    verdict = judge(Gate(name="g", claim="c", direction=direction, threshold=0.0), value, NOW)
    assert (verdict.passed, verdict.value) == (False, None)
