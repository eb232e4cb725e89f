"""Training: the steps from the published world to a version that the registry seals, and that serves if its gates pass.

The graph calls them in order, with ``candidates.fit_candidate`` and ``gating.run_gates`` between.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from tradewind_contracts.errors import NotFoundError, QualityError, SettingsError
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle import labels, spans
from tradewind_lifecycle.candidates import Candidate
from tradewind_lifecycle.checking import check_training_set, failed_critical
from tradewind_lifecycle.gating.claims import STAGES
from tradewind_lifecycle.gating.evidence import BESIDE
from tradewind_lifecycle.gating.families import gates_of
from tradewind_lifecycle.holdouts import microseconds
from tradewind_lifecycle.monitoring.references import shapes_of_candidate
from tradewind_lifecycle.plots.days import BY_DAY, by_day
from tradewind_lifecycle.provenance import commit, data_kind, lock_digest
from tradewind_lifecycle.quality_results import read_results
from tradewind_lifecycle.sealing import evaluation_fields, intervals_of, observed_levels
from tradewind_lifecycle.training_sets import SealedSet, build, facts_of, read_sealed, seal
from tradewind_models.eta import EtaConfig
from tradewind_models.eta.evaluation import MODEL
from tradewind_models.eta.predictor import FAMILY
from tradewind_registry import CHAMPION, AliasMove, ConflictError, GateError, Registry, Version, VersionDraft, latest_verdicts
from tradewind_registry.moving import ANYWHERE

Progress = Callable[[str], None]

PURPOSE = "Days from purchase to delivery of a parcel: p10, p50 and p90."
OWNER = "logistics"
TRAINER = "training"
"""Who registers, judges and promotes in a run, as history and audit say it."""
LIMITS = (
    "It speaks of parcels that arrive: lost and cancelled ones are not in its quantiles.",
    "It follows the network's speed with a lag of a week or two: while parcels slow down, as in a strike or a rush, its answers are too "
    "early; while they quicken, too late.",
    "A merchant, lane or area that the features do not know gets the answer of an average one, and the service says so.",
)


def seal_training_set(settings: Settings, progress: Progress = lambda _: None, config: EtaConfig | None = None) -> SealedSet:
    """Every order placed before the world's clock with its features at purchase and its outcome as known then, sealed.

    Raises:
        SettingsError: too little was known at the cut to fit on.
        QualityError: a critical claim about it failed; nothing was sealed.
    """
    service = (config or EtaConfig()).service
    as_of = World.read(settings.paths.world_file).clock.now()
    entity_rows = labels.known_at(labels.read_labels(settings), as_of)
    if not labels.placed_between(entity_rows, None, spans.cut_of(as_of)).num_rows:
        raise SettingsError(
            f"as_of {iso(as_of)}: no order was placed before {iso(spans.cut_of(as_of))}, where the training set ends; choose a later as_of"
        )
    table = build(service, entity_rows, settings, progress)
    failed = failed_critical(check_training_set(table, ["parcel_id"], settings))
    if failed:
        raise QualityError(f"training set: {len(failed)} critical claims failed, first: {failed[0].claim}; nothing was sealed")
    sealed = seal(table, facts_of(service, entity_rows, settings), settings)
    progress(f"training set of {sealed.rows:,} parcels sealed as {sealed.digest[:16]}")
    return sealed


def register_candidate(settings: Settings, candidate: Candidate, run_id: str = "") -> tuple[Version, bool]:
    """The registry's version of ``candidate``, and whether it was there before: equal inputs register nothing."""
    with Registry.open(settings) as registry:
        existing = registry.find(FAMILY, candidate.inputs_key)
        if existing is not None:
            registry.mend_bundle(existing, candidate.bundle)
            return existing, True
        return registry.register(_draft(settings, candidate, run_id), candidate.bundle), False


def promote_candidate(settings: Settings, version: Version, run_id: str = "", say: Progress = lambda _: None) -> bool:
    """Point ``champion`` to ``version`` if its gates passed; whether it moved. A refusal is kept in the registry's audit.

    Only instead of the champion that it was judged beside: of two trainings at once the second is to be judged again. And never where a
    person took the champion from it: that word stands until a person promotes it. ``say`` hears why it did not move.
    """
    with Registry.open(settings) as registry:
        taken_back = _taken_back(registry.history(version.model, CHAMPION), version.number)
        if taken_back is not None:
            say(
                f"{version.reference} stays as it is: {taken_back.who} took {version.model}@{CHAMPION} from it to {version.model}@{taken_back.to_number} "
                f"at {iso(taken_back.moved_at)} ({taken_back.why}); "
                f"`tradewind models promote {version.reference} --why …` serves it again"
            )
            return False
        try:
            expected = _judged_beside(registry, version)
            move = registry.promote(
                version.model, version.number, CHAMPION, why="all gates passed", who=TRAINER, run_id=run_id, expected=expected
            )
        except GateError as error:
            say(str(error))
            return False
        except ConflictError as error:
            say(f"{error}; {version.reference} was judged beside another champion, the next run judges it again")
            return False
    return move is not None


def _taken_back(history: Sequence[AliasMove], number: int) -> AliasMove | None:
    """The move by which a person took the champion from version ``number``, unless it was promoted again since; ``history`` is oldest first."""
    last = next((move for move in reversed(history) if number in (move.from_number, move.to_number)), None)
    if last is None or last.to_number == number:
        return None
    return last if last.action == "rollback" or last.who != TRAINER else None


def _judged_beside(registry: Registry, version: Version) -> int | None:
    """The champion that the last verdict on ``version`` compared it with; ANYWHERE where it is the champion, or no verdict says."""
    verdicts = latest_verdicts(registry.verdicts(version)).values()
    beside = [verdict.evidence[BESIDE] for verdict in verdicts if BESIDE in verdict.evidence]
    if not beside or registry.aliases(version.model).get(CHAMPION) == version.number:
        return ANYWHERE
    number: int | None = beside[-1]
    return number


def champion_after(settings: Settings, version: Version) -> Version:
    """The champion of the settings' world, once ``version`` was judged.

    Raises:
        GateError: there is none yet, and ``version`` may not be served either; names what it did not pass.
    """
    with Registry.open(settings) as registry:
        try:
            return registry.resolve(f"{version.model}@{CHAMPION}")
        except NotFoundError as error:
            last = latest_verdicts(registry.verdicts(version))
            failed = "; ".join(f"{gate}: {verdict.reason}" for gate, verdict in last.items() if not verdict.passed)
            raise GateError(
                f"world {settings.world_name} has no champion yet, and {version.reference} may not be served: {failed or 'nobody judged it'}; "
                f"`tradewind models card {version.reference}` says more, another AS_OF or more data may help"
            ) from error


def card_of(settings: Settings, version: Version) -> Path:
    """Write the model card and its plots; the path of the card, as Markdown."""
    from tradewind_lifecycle.cards import write_card

    with Registry.open(settings) as registry:
        return write_card(registry, version, settings)


def _draft(settings: Settings, candidate: Candidate, run_id: str) -> VersionDraft:
    sealed = read_sealed(candidate.sealed_digest, settings)
    facts, as_of, code = sealed.facts, spans.as_of_of(sealed), commit()
    return VersionDraft(
        model=FAMILY,
        inputs_key=candidate.inputs_key,
        world=settings.world_name,
        purpose=PURPOSE,
        owner=OWNER,
        feature_service=facts["feature_service"],
        view_specs=facts["spec_digests"],
        training_set_digest=sealed.digest,
        entity_rows_digest=facts["entity_digest"],
        as_of=as_of,
        commit=code.name,
        tree_clean=code.is_clean,
        lock_digest=lock_digest(),
        run_id=run_id,
        parameters=candidate.config.model_dump(mode="json", exclude={"features", "seed"}),
        seed=candidate.config.seed,
        **evaluation_fields(candidate.evaluation, MODEL),
        calibration=observed_levels(candidate.predictions),
        importance=candidate.importance,
        quality=tuple(result for stage in STAGES for result in read_results(stage, settings)),
        gates=tuple(gate.name for gate in gates_of(FAMILY)),
        limits=LIMITS,
        facts=_spans(settings, sealed.table(), sealed, candidate),
        intervals=intervals_of(candidate.evaluation),
        reference_shapes=shapes_of_candidate(candidate, sealed),
    )


def _spans(settings: Settings, table: pa.Table, sealed: SealedSet, candidate: Candidate) -> dict[str, object]:
    as_of = spans.as_of_of(sealed)
    cut = spans.cut_of(as_of)
    known = labels.known_at(table, cut)
    return {
        "data_kind": data_kind(settings),
        "trees_know_until": iso(cut),
        "calibrated_until": iso(as_of),
        "training_rows": known.num_rows,
        "training_rows_delivered": known.num_rows - known["outcome_at"].null_count,
        "holdout_from": iso(cut),
        "holdout_to": iso(cut + spans.HOLDOUT_SPAN),
        "holdout_under_way": candidate.evaluation["under_way"],
        "landing_digest": str(sealed.facts.get("landing_digest", "")),
        BY_DAY: by_day(candidate.predictions),
        "first_order_at": f"{microseconds(table['event_timestamp'][0].as_py())}Z" if table.num_rows else "",
    }
