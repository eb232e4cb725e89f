"""Measuring the gates that read a family's evaluation: baselines, champion, ratios, coverage, calibration, slices."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tradewind_contracts.gates import BaselineGate, CalibrationGate, ChampionGate, MetricGate, RatioGate, SliceGate
from tradewind_contracts.verdicts import Gate
from tradewind_lifecycle.gating import evidence
from tradewind_lifecycle.gating.evidence import plain, unit_of
from tradewind_lifecycle.gating.measurements import Measurements, Outcome, Paired

Evaluation = Mapping[str, Any]


def against_baseline(gate: BaselineGate, found: Measurements) -> Outcome:
    """The worse end of the interval of the difference from a baseline."""
    difference = found.evaluation.get("differences", {}).get(gate.baseline)
    if difference is None:
        return _not_measured(gate, gate.metric, "the evaluation lacks the baseline")
    paired = [plain(difference.get(name)) for name in (gate.metric, "low", "high")]
    if paired[0] is None:
        return _not_measured(gate, gate.metric, f"the evaluation has no difference of {gate.metric}")
    return _difference(gate, gate.metric, *paired)


def against_champion(gate: ChampionGate, found: Measurements) -> Outcome:
    """The same from the champion; where there is nothing to compare with, it is spared. The evidence keeps which one it was."""
    outcome = _against_champion(gate, found)
    return replace(outcome, evidence={**outcome.evidence, evidence.BESIDE: found.beside})


def _against_champion(gate: ChampionGate, found: Measurements) -> Outcome:
    if isinstance(found.champion, str):
        nothing = evidence.interval(None, None, None, gate.threshold, unit_of(gate.metric))
        return Outcome(None, evidence=nothing, spared=found.champion)
    paired = found.champion.get(gate.metric)
    if paired is None:
        return _not_measured(gate, gate.metric, f"the champion was not compared by {gate.metric}")
    return _difference(gate, gate.metric, *_numbers(paired))


def ratio(gate: RatioGate, found: Measurements) -> Outcome:
    """A metric divided by the baseline's."""
    value = _ratio(found.evaluation.get("overall", {}), found.model, gate.baseline, gate.metric)
    if value is None:
        return _not_measured(gate, "", f"{gate.metric} of {found.model} or {gate.baseline} is not in the evaluation")
    return Outcome(value, evidence=evidence.bars({f"{gate.metric} / {gate.baseline}": value}, gate.threshold))


def metric(gate: MetricGate, found: Measurements) -> Outcome:
    """A metric itself, with its interval."""
    value = plain(found.evaluation.get("overall", {}).get(found.model, {}).get(gate.metric))
    ends = found.evaluation.get("intervals", {}).get(gate.metric, {})
    low, high = plain(ends.get("low")), plain(ends.get("high"))
    shown = evidence.interval(value, low, high, gate.threshold, unit_of(gate.metric))
    return Outcome(value, interval=None if low is None or high is None else (low, high), evidence=shown)


def calibration(gate: CalibrationGate, found: Measurements) -> Outcome:
    """The largest gap between a claimed and an observed share; a level that was not observed leaves it unmeasured."""
    levels = found.evaluation.get("levels", [])
    shown = evidence.levels(levels, gate.threshold)
    gaps = [_gap(level) for level in levels]
    known = [(gap, level) for gap, level in zip(gaps, levels, strict=True) if gap is not None]
    if not known or len(known) < len(levels):
        return Outcome(None, "the evaluation lacks observed shares", evidence=shown)
    gap, level = max(known, key=lambda pair: pair[0])
    return Outcome(gap, f"{level['observed']:.1%} of outcomes where {level['claimed']:.0%} is claimed", evidence=shown)


def worst_slice(gate: SliceGate, found: Measurements) -> Outcome:
    """The greatest ratio of a slice with rows enough. A slice whose metric is absent leaves it unmeasured."""
    slices = found.evaluation.get("slices", [])
    ratios: dict[str, float] = {}
    for part in slices:
        if part["n"] >= gate.least_rows:
            name, value = f"{part['dimension']} {part['value']}", _ratio(part["models"], found.model, gate.baseline, gate.metric)
            if value is None:
                return _not_measured_bars(gate, f"{name}: {gate.metric} of {found.model} or {gate.baseline} was not measured")
            ratios[f"{name}, n = {part['n']}"] = value
    if not slices:
        return _not_measured_bars(gate, "the evaluation has no slices")
    shown = evidence.bars(ratios, gate.threshold)
    if not ratios:
        return Outcome(None, evidence=shown, spared=f"no slice has {gate.least_rows} rows with a known outcome")
    where = max(ratios, key=lambda name: ratios[name])
    return Outcome(ratios[where], where, evidence=shown)


def _difference(gate: Gate, name: str, mean: float | None, low: float | None, high: float | None) -> Outcome:
    shown = evidence.interval(mean, low, high, gate.threshold, unit_of(name))
    if mean is None or low is None or high is None:
        return Outcome(None, "too few days for an interval", evidence=shown)
    detail = " ".join(part for part in (f"mean difference {mean:+.3f}", unit_of(name)) if part)
    return Outcome(high if gate.direction == "at_most" else low, detail, (low, high), shown)


def _numbers(paired: Paired) -> tuple[float | None, float | None, float | None]:
    return plain(paired.mean), plain(paired.low), plain(paired.high)


def _ratio(models: Evaluation, model: str, baseline: str, name: str) -> float | None:
    ours, theirs = (plain(models.get(who, {}).get(name)) for who in (model, baseline))
    return None if ours is None or theirs is None or theirs <= 0 else ours / theirs


def _gap(level: Evaluation) -> float | None:
    claimed, observed = plain(level.get("claimed")), plain(level.get("observed"))
    return None if claimed is None or observed is None else abs(observed - claimed)


def _not_measured(gate: Gate, name: str, why: str) -> Outcome:
    return Outcome(None, why, evidence=evidence.interval(None, None, None, gate.threshold, unit_of(name)))


def _not_measured_bars(gate: Gate, why: str) -> Outcome:
    return Outcome(None, why, evidence=evidence.bars({}, gate.threshold))
