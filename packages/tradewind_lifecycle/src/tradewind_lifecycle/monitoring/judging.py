"""The monitors of a family, judged on one window: what fires, against which threshold, and why.

The mechanism knows no family: it measures by name, and a family declares which names it is watched by and at which thresholds
(``tradewind_models.eta.monitors``).
"""

import math
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from tradewind_contracts.verdicts import Gate
from tradewind_lifecycle.monitoring.drift import NAMED, Drift, Moved
from tradewind_lifecycle.monitoring.live import Live

Measured = tuple[float | None, str]
"""A value, and what a person should read beside it; no value: nothing to judge, and why."""


class State(StrEnum):
    """What a monitor says of a window."""

    QUIET = "quiet"
    FIRES = "fires"
    NOTHING = "nothing to judge"


class Sealed(BaseModel):
    """What live errors are held against, in days: the sealed MAE, the lane median's on the same rows, the mean duration. None: not sealed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mae_days: float | None
    lane_mae_days: float | None
    mean_days: float | None


class Finding(BaseModel):
    """One monitor on one window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    monitor: str
    claim: str
    state: State
    value: float | None
    threshold: float
    reason: str


def findings_of_drift(gates: Iterable[Gate], drift: Drift, least_rows: int) -> tuple[Finding, ...]:
    """The drift monitors of a window; below ``least_rows`` answers there is nothing to judge."""
    if drift.rows < least_rows:
        return nothing(gates, f"{drift.rows} answers; {least_rows} are the least")
    return tuple(_judged(gate, _DRIFT[gate.name](drift)) for gate in gates)


def findings_of_live(
    gates: Iterable[Gate], live: Live, sealed: Sealed, claimed: Mapping[str, float], least_rows: int, ripe: bool
) -> tuple[Finding, ...]:
    """The live monitors of a window. ``claimed``: what ``coverage`` and ``overdue`` should be; not ``ripe``: only overdue can be said."""
    return tuple(_judged(gate, _live(gate.name, live, sealed, claimed, least_rows, ripe)) for gate in gates)


def nothing(gates: Iterable[Gate], why: str) -> tuple[Finding, ...]:
    """The monitors where there is nothing to judge."""
    return tuple(_judged(gate, (None, why)) for gate in gates)


def _judged(gate: Gate, measured: Measured) -> Finding:
    value, detail = measured
    if value is None or math.isnan(value):
        state, found = State.NOTHING, None
        reason = f"nothing to judge: {detail}"
    else:
        held = value <= gate.threshold if gate.direction == "at_most" else value >= gate.threshold
        state, found = State.QUIET if held else State.FIRES, value
        sign = "≤" if gate.direction == "at_most" else "≥"
        reason = f"{value:.3g} {'is' if held else 'is not'} {sign} {gate.threshold:.3g}; {detail}"
    return Finding(monitor=gate.name, claim=gate.claim, state=state, value=found, threshold=gate.threshold, reason=reason)


def _most(found: tuple[Moved, ...], none: str) -> Measured:
    if not found:
        return None, none
    moved = [item.words() for item in found[:NAMED] if item.moved > 0]
    return found[0].moved, "; ".join(moved) or "nothing moved beyond chance"


_DRIFT: Mapping[str, Callable[[Drift], Measured]] = {
    "inputs_keep_their_shape": lambda drift: _most(drift.inputs, "the version sealed no inputs"),
    "inputs_are_known": lambda drift: _most(drift.unknown, "the version sealed no inputs"),
    "features_are_fresh": lambda drift: _most(drift.stale, "the version looks at no view that changes daily"),
    "answers_keep_their_shape": lambda drift: _most(drift.outputs, "the version sealed no answers"),
}


def _live(name: str, live: Live, sealed: Sealed, claimed: Mapping[str, float], least_rows: int, ripe: bool) -> Measured:
    if live.parcels < least_rows and (why := _unjoined(live)):
        return None, why
    if name == "is_seldom_overdue":
        return _overdue(live, claimed["overdue"], least_rows)
    if not ripe:
        return None, f"{live.under_way} of {live.parcels} parcels are still under way; the window is too young"
    if live.delivered < least_rows:
        return None, f"{live.delivered} outcomes are known; {least_rows} are the least"
    return _LIVE[name](live, sealed, claimed)


def _unjoined(live: Live) -> str:
    """Why answers have no outcome, where it is their names that are missing; empty where it is not."""
    if live.unnamed * 2 > live.asked:
        return f"{live.unnamed:,} of {live.asked:,} answers are logged without order or merchant (`tradewind predictions policy` says why): no live error can be computed of them"
    if live.unmatched > live.parcels:
        return f"{live.unmatched:,} shipments of {live.asked:,} answers are none that the labels know: orders that have not landed, or hashed under another key than TRADEWIND_LOG_KEY; no live error can be computed of them"
    return ""


def _overdue(live: Live, claimed: float, least_rows: int) -> Measured:
    if live.p90_passed < least_rows or live.overdue is None or live.overdue_half is None:
        return None, f"the p90 of {live.p90_passed} parcels has passed; {least_rows} are the least, over four days"
    told = f"{live.overdue:.1%} of {live.p90_passed:,} parcels were not there when their p90 had passed (p90 says {claimed:.0%})"
    return max(0.0, live.overdue - live.overdue_half), told


def _as_judged(live: Live, sealed: Sealed, _: Mapping[str, float]) -> Measured:
    if not sealed.mae_days or live.mae_days is None or live.mae_half is None:
        return None, "no sealed MAE, or too few days"
    told = f"MAE {live.mae_days:.2f} ± {live.mae_half:.2f} days, sealed {sealed.mae_days:.2f}; lane median's {_shown(live.lane_mae_days)}, sealed {_shown(sealed.lane_mae_days)}"
    return max(0.0, live.mae_days - live.mae_half) / sealed.mae_days, told


def _against_lane(live: Live, *_: object) -> Measured:
    if live.difference_days is None or live.difference_half is None:
        return None, "no lane median is known, or too few days"
    told = f"MAE {_shown(live.mae_days)} days, lane median's {_shown(live.lane_mae_days)}"
    return live.difference_days - live.difference_half, told


def _covers(live: Live, _: Sealed, claimed: Mapping[str, float]) -> Measured:
    if live.coverage is None or live.coverage_half is None:
        return None, "too few days"
    told = f"{live.coverage:.1%} ± {live.coverage_half:.1%} within [p10, p90], which claims {claimed['coverage']:.0%}"
    return max(0.0, abs(live.coverage - claimed["coverage"]) - live.coverage_half), told


def _unbiased(live: Live, sealed: Sealed, claimed: Mapping[str, float]) -> Measured:
    if live.below_p50 is None or live.below_p50_half is None or live.bias_days is None:
        return None, "too few days"
    side = "early" if live.below_p50 < claimed["median"] else "late"
    told = f"answers are too {side}: {live.below_p50:.1%} had arrived by p50, which claims {claimed['median']:.0%}; parcels took {_shown(live.mean_days, 1)} days, sealed {_shown(sealed.mean_days, 1)}"
    return max(0.0, abs(live.below_p50 - claimed["median"]) - live.below_p50_half), told


_LIVE: Mapping[str, Callable[[Live, Sealed, Mapping[str, float]], Measured]] = {
    "errs_as_little_as_judged": _as_judged,
    "beats_the_lane_median_live": _against_lane,
    "covers_what_it_claims": _covers,
    "is_not_biased": _unbiased,
}


def _shown(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
