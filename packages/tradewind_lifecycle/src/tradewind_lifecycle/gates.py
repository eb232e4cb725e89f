"""Running the gates of a version: its evaluation, the present champion on the same holdout, its bundle, the data, parity."""

from collections.abc import Iterable

import numpy as np

from tradewind_contracts.errors import IntegrityError, NotFoundError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult, Verdict
from tradewind_lifecycle import spans
from tradewind_lifecycle.candidates import Candidate, holdout_of_rows
from tradewind_lifecycle.checking import failed_critical
from tradewind_lifecycle.holdouts import microseconds
from tradewind_lifecycle.parity import check_parity
from tradewind_lifecycle.quality_results import read_results
from tradewind_lifecycle.training_sets import SealedSet, build, read_sealed
from tradewind_models.eta import EtaModel, Holdout, follow, read
from tradewind_models.eta.gates import NO_CHAMPION, verdict_of_count, verdicts_of
from tradewind_models.eta.metrics import paired_difference
from tradewind_models.eta.predictor import load
from tradewind_quality import Stage
from tradewind_registry import CHAMPION, Registry, Version

Difference = tuple[float, float, float]
STAGES: tuple[Stage, ...] = ("landing", "marts", "features", "training_set")
"""Stages whose critical claims a version answers for."""


def run_gates(
    settings: Settings, candidate: Candidate, version: Version, run_id: str = "", parity: Iterable[CheckResult] | None = None
) -> list[Verdict]:
    """Judge ``version`` by every gate of its family and record the verdicts.

    ``parity`` are the results of the parity check where it was made already; else it is made here. The champion is
    judged on the candidate's own holdout, trees frozen and calibrated by the same daily rule.

    Raises:
        StateError: nothing is materialized to compare.
    """
    with Registry.open(settings) as registry:
        champion = champion_difference(settings, candidate, version, registry)
        verdicts = verdicts_of(candidate.evaluation, champion, Clock().now())
        if registry.aliases(version.model).get(CHAMPION) == version.number:
            # It was judged against the champion of its time; itself says nothing.
            verdicts = [verdict for verdict in verdicts if verdict.gate != "not_worse_than_the_champion"]
        verdicts += [_golden(registry, version), _quality(settings), _parity(settings, parity)]
        registry.record_verdicts(version.model, version.number, verdicts, who="training", run_id=run_id)
    return verdicts


def champion_difference(settings: Settings, candidate: Candidate, version: Version, registry: Registry) -> Difference | str:
    """The candidate's MAE minus the champion's on the candidate's holdout (mean, low, high; days), or why there is nothing to compare.

    A champion whose trees know what came after the candidate's cut has seen the holdout: that happens where the clock was set back.
    """
    try:
        champion = registry.resolve(f"{version.model}@{CHAMPION}")
    except NotFoundError:
        return NO_CHAMPION
    if champion.number == version.number:
        return NO_CHAMPION
    model = read(registry.open_bundle(champion))
    sealed = read_sealed(candidate.sealed_digest, settings)
    cut = spans.cut_of(spans.as_of_of(sealed))
    if model.fitted_at > microseconds(cut):
        return f"{champion.reference} knows until {model.fitted_at.astype('datetime64[s]')}Z and has seen this holdout"
    holdout = _holdout(settings, sealed, model)
    theirs, _ = follow(model, holdout.frame, holdout.rows)
    ours = np.asarray(candidate.predictions["p50_days"].to_numpy(), dtype=np.float64)
    actual = holdout.frame.duration_days[holdout.rows]
    rows = np.flatnonzero(holdout.weights > 0)
    days = np.floor(holdout.frame.ordered_days[holdout.rows])
    return paired_difference(
        np.abs(actual - ours)[rows], np.abs(actual - theirs[:, 1])[rows], holdout.weights[rows], days[rows], candidate.config.seed
    )


def _holdout(settings: Settings, sealed: SealedSet, model: EtaModel) -> Holdout:
    """The candidate's holdout with the columns that ``model`` looks at: joined again where it has another feature service."""
    table = sealed.table()
    if not {field.column for field in model.config.features} <= set(table.column_names):
        labels = table.select([name for name in table.column_names if "__" not in name])
        table = build(model.config.service, labels, settings)
    return holdout_of_rows(table, spans.as_of_of(sealed), model.config)[1]


def _golden(registry: Registry, version: Version) -> Verdict:
    try:
        load(registry.open_bundle(version))
    except IntegrityError as error:
        return verdict_of_count("golden_rows_hold", 1, Clock().now(), str(error))
    return verdict_of_count("golden_rows_hold", 0, Clock().now())


def _quality(settings: Settings) -> Verdict:
    stages = {stage: read_results(stage, settings) for stage in STAGES}
    absent = [stage for stage, results in stages.items() if not results]
    if absent:
        return verdict_of_count("data_quality_passed", None, Clock().now(), f"not checked: {', '.join(absent)}")
    results = [result for found in stages.values() for result in found]
    return verdict_of_count("data_quality_passed", len(failed_critical(results)), Clock().now(), f"of {len(results)} claims")


def _parity(settings: Settings, results: Iterable[CheckResult] | None) -> Verdict:
    found = list(results) if results is not None else check_parity(settings)
    if not found:
        return verdict_of_count("online_equals_offline", None, Clock().now(), "nothing was compared")
    return verdict_of_count(
        "online_equals_offline",
        sum(r.failing_rows for r in found if not r.passed),
        Clock().now(),
        f"of {sum(r.rows for r in found)} compared",
    )
