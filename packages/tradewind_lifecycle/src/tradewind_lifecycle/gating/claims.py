"""Measuring the gates that count failed claims, and getting the claims: those of this run where they stand, else made now."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tradewind_contracts.errors import TradewindError
from tradewind_contracts.gates import ClaimsGate
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult, Gate
from tradewind_lifecycle import guards
from tradewind_lifecycle.checking import failed_critical
from tradewind_lifecycle.gating import evidence
from tradewind_lifecycle.gating.measurements import Measurements, Outcome
from tradewind_lifecycle.quality_results import read_results
from tradewind_quality import Stage

STAGES: tuple[Stage, ...] = ("landing", "marts", "features", "training_set")
"""Stages whose critical claims a version answers for."""

NOT_COMPARED = "not_compared"
"""Key of ``observed`` that says why a claim that did not pass had nothing to compare with (``tradewind_lifecycle.leaks.publications``)."""

Claims = Mapping[str, Sequence[CheckResult] | str]


def claims_of(
    gates: Iterable[Gate], settings: Settings, sealed_digest: str, known: Mapping[str, Sequence[CheckResult]] | None = None
) -> Claims:
    """The results of every check that ``gates`` name, or why one was not made.

    ``known`` are taken as they are. Quality of a stage is read where the stage left it; parity and leaks are those of these very
    inputs (``guards``), made now if they don't stand.
    """
    names = dict.fromkeys(name for gate in gates if isinstance(gate, ClaimsGate) for name in gate.checks)
    known = known or {}
    return {name: known[name] if name in known else _made(name, settings, sealed_digest) for name in names}


def failed_claims(gate: ClaimsGate, found: Measurements) -> Outcome:
    """How many critical claims failed, or how many rows broke them; a check that was not made leaves it unmeasured.

    So does one that had nothing to compare with: what nobody looked at has not held.
    """
    results: list[CheckResult] = []
    for name in gate.checks:
        made = found.claims.get(name, "never asked for")
        if isinstance(made, str) or not made:
            why = made if isinstance(made, str) else "no claims"
            return Outcome(None, f"{name} was not checked: {why}", evidence=evidence.count(0, 0))
        results += made
    failed = failed_critical(results)
    blind = [why for result in results if (why := _blind(result, gate))]
    if blind and not failed:
        return Outcome(None, blind[0], evidence=evidence.count(0, 0))
    if gate.counts == "claims":
        return Outcome(float(len(failed)), _named(failed, f"of {len(results)} claims"), evidence=evidence.count(len(failed), len(results)))
    # A claim that failed without a row of its own still failed.
    rows, of = sum(max(result.failing_rows, 1) for result in failed), sum(result.rows for result in results)
    return Outcome(float(rows), _named(failed, f"of {of} compared"), evidence=evidence.count(rows, of))


def _blind(result: CheckResult, gate: ClaimsGate) -> str:
    """Why a claim was left open; empty where it was looked at, or needed no look."""
    if result.passed:
        return ""
    if isinstance(result.observed, Mapping) and NOT_COMPARED in result.observed:
        return f"{result.table} was not compared: {result.observed[NOT_COMPARED]}"
    return f"{result.table}: not one row was compared" if gate.counts == "rows" and not result.rows else ""


def _named(failed: Sequence[CheckResult], detail: str) -> str:
    return f"{detail}; first: {failed[0].table}: {failed[0].claim}" if failed else detail


def _made(name: str, settings: Settings, sealed_digest: str) -> Sequence[CheckResult] | str:
    guarded: dict[str, Callable[[], list[CheckResult]]] = {
        guards.PARITY: lambda: guards.parity(settings),
        guards.LEAKS_IN_FEATURES: lambda: guards.leaks_in_features(settings),
        guards.LEAKS_IN_TRAINING_SET: lambda: guards.leaks_in_training_set(settings, sealed_digest),
    }
    try:
        return guarded[name]() if name in guarded else read_results(name, settings)
    except TradewindError as error:
        return str(error)
