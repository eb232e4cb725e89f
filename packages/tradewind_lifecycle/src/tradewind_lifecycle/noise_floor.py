"""The noise floor: how much of an error no model could avoid, known only where the truth was planted.

An evaluation, and one of the few that may read a simulated world's truth. It looks at parcels that were scored already; nothing of
it enters training, gates or a bundle. On a simulated world a ratio near 1 proves the code, and says nothing of a real marketplace.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tradewind_contracts.errors import IntegrityError, NotFoundError
from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import labels
from tradewind_lifecycle.provenance import data_kind
from tradewind_lifecycle.sealing import QUANTILE_COLUMNS, column
from tradewind_simulator import truth
from tradewind_simulator.eta_replicates import PURCHASED, STATES
from tradewind_simulator.manifests import OBSERVED

Floats = NDArray[np.float64]
Progress = Callable[[str], None]

LAW = "eta_law"
"""The truth table with the conditional law of a parcel's days: quantiles and Bayes MAE, at purchase and at each scan."""
AT_PURCHASE = STATES[PURCHASED]
BASELINES = ("lane_median", "promise")
"""Columns ``<name>_days`` of scored parcels that are held against the floor beside the model."""


class NoiseFloor(BaseModel):
    """The errors of a model and its baselines beside the floor, on the same parcels.

    ``floor_mae_days`` is the mean Bayes MAE: the error of one who knows the planted law, and no more, at purchase. ``ratios`` are MAE
    by floor. ``planted_levels`` is the share of outcomes (0 to 1) at or below each planted quantile, by its level: what the truth
    itself attains. ``quantile_gap_days`` is the mean distance of the model's quantile from the planted one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: str
    model: str
    data_kind: str = "simulated"
    parcels: int
    floor_mae_days: float
    mae_days: dict[str, float]
    ratios: dict[str, float]
    planted_levels: dict[str, float]
    quantile_gap_days: dict[str, float]


def truth_folder(settings: Settings, data: Path) -> Path | None:
    """The folder of the simulated world whose ``data`` filled the settings' world, if its truth is there."""
    if data_kind(settings) != "simulated":
        return None
    folder = data.parent if data.name == OBSERVED else data
    return folder if truth.is_there(folder) else None


def floor_of_scores(settings: Settings, data: Path, scores: pa.Table, model: str) -> NoiseFloor | str:
    """The noise floor of scored parcels (see ``score_tables``: a holdout's with ``parcel_id`` and ``weight``, or a backtest's), written
    to ``reports/noise_floor/<world>.json``; or in one line why there is none. ``data`` is what the world was filled from.

    Raises:
        IntegrityError: the truth has a parcel twice.
        StateError: no world has landed, or the report can't be written.
    """
    folder = truth_folder(settings, data)
    if folder is None:
        return f"no noise floor: the data of world {settings.world_name} comes without a planted truth"
    scored = scores if "parcel_id" in scores.column_names else _with_parcel_ids(settings, scores)
    try:
        law = truth.read(folder, LAW)
    except NotFoundError as error:
        return f"no noise floor: {error}"
    found = measure(scored, law, settings.world_name, model)
    if isinstance(found, NoiseFloor):
        write_text(report_path(settings), found.model_dump_json(indent=1) + "\n")
    return found


def floor_of_file(settings: Settings, data: Path, path: Path, model: str) -> NoiseFloor | str:
    """The same of a score table on disk, as ``backtest`` writes it."""
    return floor_of_scores(settings, data, pq.read_table(path), model)


def report_path(settings: Settings) -> Path:
    """Where the newest noise floor of the settings' world stands."""
    return settings.paths.reports / "noise_floor" / f"{settings.world_name}.json"


def measure(scored: pa.Table, law: pa.Table, world: str, model: str) -> NoiseFloor | str:
    """The errors of ``scored`` beside the floor of ``law`` (``eta_law``), over the parcels that both know and that were delivered.

    A parcel that would mostly go back has no error in the law, and is left out.

    Each parcel counts by its ``weight`` where there is one, for the floor as for the errors: so both speak of the same parcels.

    Raises:
        IntegrityError: the law has a parcel twice.
    """
    at_purchase = law.filter(pc.equal(law["state"], pa.scalar(AT_PURCHASE, law["state"].type)))
    if pc.count_distinct(at_purchase["parcel_id"]).as_py() != at_purchase.num_rows:
        raise IntegrityError(f"truth of {world}: {LAW} has a parcel twice at purchase; simulate it anew")
    places = pc.index_in(scored["parcel_id"], value_set=at_purchase["parcel_id"].combine_chunks())
    scored, places = scored.filter(pc.is_valid(places)), places.drop_null()
    weight = column(scored, "weight") if "weight" in scored.column_names else np.ones(scored.num_rows)
    law = at_purchase.take(places)
    counts = np.isfinite(column(scored, "actual_days")) & np.isfinite(column(law, "bayes_mae_days")) & (weight > 0)
    if not counts.any():
        return f"no noise floor: the truth of world {world} knows none of the judged parcels"
    return _floor(scored.filter(pa.array(counts)), law.filter(pa.array(counts)), weight[counts], world, model)


def _floor(scored: pa.Table, law: pa.Table, weight: Floats, world: str, model: str) -> NoiseFloor:
    actual = column(scored, "actual_days")
    answers = {model: column(scored, "p50_days")}
    answers |= {name: column(scored, f"{name}_days") for name in BASELINES if f"{name}_days" in scored.column_names}
    mae = {name: _mean(np.abs(actual - days), weight) for name, days in answers.items() if np.isfinite(days).any()}
    floor = _mean(column(law, "bayes_mae_days"), weight)
    levels = QUANTILE_COLUMNS.items()
    return NoiseFloor(
        world=world,
        model=model,
        parcels=scored.num_rows,
        floor_mae_days=floor,
        mae_days=mae,
        ratios={name: value / floor for name, value in mae.items()},
        planted_levels={str(level): _mean(_is_reached(actual, column(law, name)), weight) for level, name in levels},
        quantile_gap_days={str(level): _mean(np.abs(column(scored, name) - column(law, name)), weight) for level, name in levels},
    )


def _is_reached(actual: Floats, quantile: Floats) -> Floats:
    """1 where the outcome is at or below the planted quantile, else 0. A quantile without a value is of a parcel that goes back: later than all."""
    return ((actual <= quantile) | np.isnan(quantile)).astype(np.float64)


def _mean(values: Floats, weight: Floats) -> float:
    """The weighted mean of what is known: a promise was not printed for every parcel."""
    known = np.isfinite(values)
    return float(np.average(values[known], weights=weight[known]))


def _with_parcel_ids(settings: Settings, scores: pa.Table) -> pa.Table:
    """A backtest's rows name order and merchant: which parcel that is, the labels say."""
    every = labels.read_labels(settings)
    pairs = zip(every["order_id"].to_pylist(), every["merchant_id"].to_pylist(), strict=True)
    parcels = dict(zip(pairs, every["parcel_id"].to_pylist(), strict=True))
    wanted = zip(scores["order_id"].to_pylist(), scores["merchant_id"].to_pylist(), strict=True)
    return scores.append_column("parcel_id", pa.array([parcels[pair] for pair in wanted], pa.string()))
