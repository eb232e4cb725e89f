"""What a version of the ETA model must prove before it may be served, and how each proof is measured."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from tradewind_contracts.verdicts import Gate, Verdict, judge
from tradewind_models.eta.evaluation import MODEL

LANE_MEDIAN = "lane_median"
PROMISE = "promise"
LEAST_GATED_SLICE_ROWS = 200
"""Slices with fewer delivered rows are shown but not gated: chosen, below it the ratio of two means is mostly noise."""

GATES: tuple[Gate, ...] = (
    Gate(
        name="beats_the_lane_median",
        claim="MAE below the lane median's: upper end of the 95 % interval of the difference, days",
        direction="at_most",
        threshold=0.0,
    ),
    Gate(
        name="beats_the_promise",
        claim="MAE below the promise's: upper end of the 95 % interval of the difference, days",
        direction="at_most",
        threshold=0.0,
    ),
    Gate(
        name="not_worse_than_the_champion",
        claim="MAE on the same holdout exceeds the champion's by no more than the margin: upper end of the 95 % interval, days",
        direction="at_most",
        threshold=0.1,
    ),
    Gate(name="sharper_low_quantile", claim="pinball loss of p10 divided by that of the lane's p10", direction="at_most", threshold=1.0),
    Gate(name="sharper_high_quantile", claim="pinball loss of p90 divided by that of the lane's p90", direction="at_most", threshold=1.0),
    Gate(name="covers_enough", claim="share of deliveries within [p10, p90], which claims 0.8", direction="at_least", threshold=0.7),
    Gate(name="covers_no_more", claim="share of deliveries within [p10, p90], which claims 0.8", direction="at_most", threshold=0.9),
    Gate(name="no_slice_much_worse", claim="worst slice's MAE divided by the lane median's there", direction="at_most", threshold=1.15),
    Gate(name="golden_rows_hold", claim="bundles that did not answer their golden rows again", direction="at_most", threshold=0.0),
    Gate(name="data_quality_passed", claim="critical claims about the tables behind it that failed", direction="at_most", threshold=0.0),
    Gate(
        name="online_equals_offline",
        claim="sampled online vectors that differ from their offline derivation",
        direction="at_most",
        threshold=0.0,
    ),
)
"""Every one must pass; thresholds are chosen, and hold for all months."""

_BY_NAME = {gate.name: gate for gate in GATES}

NO_CHAMPION = "there was no champion to compare with"


def verdicts_of(evaluation: Mapping[str, Any], champion: tuple[float, float, float] | str, decided_at: dt.datetime) -> list[Verdict]:
    """The verdicts on an evaluation (as ``Evaluation.to_json`` gives it). A baseline that is absent from it fails.

    ``champion``: mean, low and high (95 %) of the MAE minus the champion's on the same holdout, or why there is none to compare with.
    """
    overall = evaluation["overall"]
    coverage = overall[MODEL]["coverage"]
    return [
        _difference("beats_the_lane_median", _interval(evaluation, LANE_MEDIAN), decided_at),
        _difference("beats_the_promise", _interval(evaluation, PROMISE), decided_at),
        _against_champion(champion, decided_at),
        judge(_BY_NAME["sharper_low_quantile"], _ratio(overall, "pinball_p10"), decided_at),
        judge(_BY_NAME["sharper_high_quantile"], _ratio(overall, "pinball_p90"), decided_at),
        judge(_BY_NAME["covers_enough"], coverage, decided_at),
        judge(_BY_NAME["covers_no_more"], coverage, decided_at),
        _worst_slice(evaluation["slices"], decided_at),
    ]


def verdict_of_count(name: str, failures: int | None, decided_at: dt.datetime, detail: str = "") -> Verdict:
    """The verdict of a gate that counts failures; ``None``: it was not measured, and fails.

    Raises:
        KeyError: no gate has that name.
    """
    return judge(_BY_NAME[name], None if failures is None else float(failures), decided_at, detail)


def _interval(evaluation: Mapping[str, Any], baseline: str) -> tuple[float, float, float] | None:
    found = evaluation["differences"].get(baseline)
    return None if found is None else (found["mae_days"], found["low"], found["high"])


def _difference(name: str, found: tuple[float, float, float] | None, decided_at: dt.datetime) -> Verdict:
    if found is None:
        return judge(_BY_NAME[name], None, decided_at, "the evaluation lacks the baseline")
    mean, low, high = found
    return judge(_BY_NAME[name], high, decided_at, f"mean difference {mean:+.3f} days", (low, high))


def _against_champion(champion: tuple[float, float, float] | str, decided_at: dt.datetime) -> Verdict:
    gate = _BY_NAME["not_worse_than_the_champion"]
    if not isinstance(champion, str):
        return _difference(gate.name, champion, decided_at)
    return Verdict(
        gate=gate.name,
        claim=gate.claim,
        passed=True,
        value=None,
        threshold=gate.threshold,
        reason=champion,
        decided_at=decided_at,
    )


def _ratio(overall: Mapping[str, Any], metric: str) -> float | None:
    ours, theirs = overall[MODEL][metric], overall.get(LANE_MEDIAN, {}).get(metric)
    return None if ours is None or not theirs else float(ours / theirs)


def _worst_slice(slices: Sequence[Mapping[str, Any]], decided_at: dt.datetime) -> Verdict:
    gate = _BY_NAME["no_slice_much_worse"]
    ratios = [
        (
            part["models"][MODEL]["mae_days"] / part["models"][LANE_MEDIAN]["mae_days"],
            f"{part['dimension']} {part['value']}, n = {part['n']}",
        )
        for part in slices
        if part["n"] >= LEAST_GATED_SLICE_ROWS and LANE_MEDIAN in part["models"]
    ]
    if not ratios:
        return judge(gate, 0.0, decided_at, f"no slice has {LEAST_GATED_SLICE_ROWS} rows")
    value, where = max(ratios)
    return judge(gate, value, decided_at, where)
