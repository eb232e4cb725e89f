"""Every kind of gate by its measure, and from what was measured to a verdict. What could not be measured fails."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from tradewind_contracts import gates as kinds
from tradewind_contracts.verdicts import Gate, Verdict, judge
from tradewind_lifecycle.gating import bundles, claims, evaluations
from tradewind_lifecycle.gating.measurements import Measurements, Outcome

Measure = Callable[[Any, Measurements], Outcome]

_MEASURES: dict[type[Gate], Measure] = {
    kinds.BaselineGate: evaluations.against_baseline,
    kinds.ChampionGate: evaluations.against_champion,
    kinds.RatioGate: evaluations.ratio,
    kinds.MetricGate: evaluations.metric,
    kinds.CalibrationGate: evaluations.calibration,
    kinds.SliceGate: evaluations.worst_slice,
    kinds.ClaimsGate: claims.failed_claims,
    kinds.GoldenRowsGate: bundles.golden_rows,
    kinds.LatencyGate: bundles.latency,
    kinds.SizeGate: bundles.size,
}


def judge_all(gates: Iterable[Gate], found: Measurements, decided_at: dt.datetime) -> list[Verdict]:
    """One verdict for each of ``gates``, in their order."""
    return [_verdict(gate, _MEASURES.get(type(gate), _nobody)(gate, found), decided_at) for gate in gates]


def _nobody(gate: Gate, _: Measurements) -> Outcome:
    return Outcome(None, f"nobody measures gates of the kind {type(gate).__name__}; declare it by tradewind_contracts.gates")


def _verdict(gate: Gate, outcome: Outcome, decided_at: dt.datetime) -> Verdict:
    if not outcome.spared:
        return judge(gate, outcome.value, decided_at, outcome.detail, outcome.interval, outcome.evidence)
    return Verdict(
        gate=gate.name,
        claim=gate.claim,
        passed=True,
        value=None,
        threshold=gate.threshold,
        reason=outcome.spared,
        decided_at=decided_at,
        evidence=outcome.evidence,
    )
