"""The champion judged on a candidate's own holdout: its trees frozen, calibrated by the same daily rule, day by day."""

import numpy as np

from tradewind_contracts.settings import Settings
from tradewind_lifecycle import spans
from tradewind_lifecycle.candidates import Candidate, holdout_of_rows
from tradewind_lifecycle.gating.measurements import Paired
from tradewind_lifecycle.holdouts import microseconds
from tradewind_lifecycle.sealing import QUANTILE_COLUMNS, column
from tradewind_lifecycle.training_sets import SealedSet, build, read_sealed
from tradewind_models.bootstrap import paired_difference
from tradewind_models.eta import EtaModel, Holdout, follow, read
from tradewind_models.eta.metrics import row_values
from tradewind_registry import Registry, Version

NO_CHAMPION = "there was no champion to compare with"


def champion_difference(
    settings: Settings, candidate: Candidate, version: Version, registry: Registry, reigning: int | None
) -> dict[str, Paired] | str:
    """By metric, the candidate's minus the champion's on the candidate's holdout, or why there is nothing to compare with.

    ``reigning`` is the number that the champion's alias has in the registry's world, None where it is not set.
    A champion whose trees know what came after the candidate's cut has seen the holdout: that happens where the clock was set back.
    """
    if reigning is None or reigning == version.number:
        return NO_CHAMPION
    champion = registry.resolve(f"{version.model}@{reigning}")
    model = read(registry.open_bundle(champion))
    sealed = read_sealed(candidate.sealed_digest, settings)
    cut = spans.cut_of(spans.as_of_of(sealed))
    if model.fitted_at > microseconds(cut):
        return f"{champion.reference} knows until {model.fitted_at.astype('datetime64[s]')}Z and has seen this holdout"
    holdout = _holdout(settings, sealed, model)
    theirs, _ = follow(model, holdout.frame, holdout.rows)
    predictions = candidate.predictions
    ours = np.column_stack([column(predictions, name) for name in QUANTILE_COLUMNS.values()])
    return _differences(holdout, ours, theirs, candidate.config.seed)


def _differences(holdout: Holdout, ours: np.ndarray, theirs: np.ndarray, seed: int) -> dict[str, Paired]:
    rows = np.flatnonzero(holdout.weights > 0)
    actual, weights = holdout.frame.duration_days[holdout.rows][rows], holdout.weights[rows]
    days = np.floor(holdout.frame.ordered_days[holdout.rows])[rows]
    own, other = row_values(actual, ours[rows]), row_values(actual, theirs[rows])
    return {name: Paired(*paired_difference(own[name], other[name], weights, days, seed)) for name in own}


def _holdout(settings: Settings, sealed: SealedSet, model: EtaModel) -> Holdout:
    """The candidate's holdout with the columns that ``model`` looks at: joined again where it has another feature service."""
    table = sealed.table()
    if not {field.column for field in model.config.features} <= set(table.column_names):
        labels = table.select([name for name in table.column_names if "__" not in name])
        table = build(model.config.service, labels, settings)
    return holdout_of_rows(table, spans.as_of_of(sealed), model.config)[1]
