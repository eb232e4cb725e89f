"""All gates of one version: gathered, judged, recorded."""

from collections.abc import Mapping, Sequence

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.gates import ChampionGate, LatencyGate
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult, Gate, Verdict
from tradewind_lifecycle.candidates import Candidate
from tradewind_lifecycle.gating.bundles import measure_bundle
from tradewind_lifecycle.gating.champion import champion_difference
from tradewind_lifecycle.gating.claims import claims_of
from tradewind_lifecycle.gating.families import gates_of, predictor_of
from tradewind_lifecycle.gating.judging import judge_all
from tradewind_lifecycle.gating.measurements import BundleMeasured, Measurements
from tradewind_registry import CHAMPION, Registry, Version, latest_verdicts


def run_gates(
    settings: Settings,
    candidate: Candidate,
    version: Version,
    run_id: str = "",
    known: Mapping[str, Sequence[CheckResult]] | None = None,
) -> list[Verdict]:
    """Judge ``version`` by every gate of its family and record the verdicts; those that count, in the family's order.

    ``known``: results by check, for whoever made them already; the others are those that stand, or are made now. The champion is
    judged on the candidate's own holdout. Where ``version`` is the champion, its verdict of then stays: itself says nothing. A
    latency that passed stays too (the bundle can't change, and a busy machine must not unmake a champion), and one that fails
    again: what a person decided about that verdict holds.
    """
    gates = gates_of(version.model)
    claims = claims_of(gates, settings, candidate.sealed_digest, known)
    with Registry.open(settings) as registry:
        standing = latest_verdicts(registry.verdicts(version))
        reigning = registry.aliases(version.model).get(CHAMPION)
        is_champion = reigning == version.number
        stays = {gate.name for gate in gates if _stays(gate, standing.get(gate.name), is_champion)}
        timed = any(isinstance(gate, LatencyGate) and gate.name not in stays for gate in gates)
        found = Measurements(
            model=version.model,
            evaluation=candidate.evaluation,
            champion=champion_difference(settings, candidate, version, registry, reigning),
            claims=claims,
            bundle=_bundle(registry, version, timed),
            beside=reigning,
        )
        asked = [gate for gate in gates if gate.name not in stays]
        fresh = dict(zip((gate.name for gate in asked), judge_all(asked, found, Clock().now()), strict=True))
        stays |= {gate.name for gate in asked if _fails_again(gate, standing.get(gate.name), fresh[gate.name])}
        counting = {**fresh, **{name: standing[name] for name in stays if name in standing}}
        verdicts = [counting[gate.name] for gate in gates if gate.name in counting]
        registry.record_verdicts(version.model, version.number, verdicts, who="training", run_id=run_id)
    return verdicts


def _stays(gate: Gate, verdict: Verdict | None, is_champion: bool) -> bool:
    """Whether the verdict that a gate got before is kept."""
    if isinstance(gate, ChampionGate):
        return is_champion
    return isinstance(gate, LatencyGate) and verdict is not None and verdict.passed and verdict.threshold == gate.threshold


def _fails_again(gate: Gate, before: Verdict | None, now: Verdict) -> bool:
    """Whether a latency was measured and too long before, by the same threshold, and is again: other milliseconds are no news."""
    if not isinstance(gate, LatencyGate) or before is None or before.value is None or now.value is None:
        return False
    return not before.passed and not now.passed and before.threshold == now.threshold


def _bundle(registry: Registry, version: Version, timed: bool) -> BundleMeasured | str:
    try:
        folder = registry.open_bundle(version)
    except IntegrityError as error:
        return BundleMeasured(broken=str(error))
    return measure_bundle(folder, predictor_of(version.model), timed)
