"""A candidate: a fitted, evaluated and bundled model on disk, before the registry knows it."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

import tradewind_models
from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import IntegrityError, SettingsError
from tradewind_contracts.files import atomic_folder, write_text
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import spans
from tradewind_lifecycle.holdouts import frame_of, holdout_of, lane_quantiles, microseconds
from tradewind_lifecycle.provenance import code_digest, lock_digest
from tradewind_lifecycle.score_tables import prediction_table
from tradewind_lifecycle.training_sets import SealedSet, read_sealed
from tradewind_models.eta import EtaConfig, EtaModel, Holdout, TooFewRowsError, bundle, evaluate, fit, recalibrate
from tradewind_models.eta.evaluation import Evaluation
from tradewind_models.eta.gates import LANE_MEDIAN

Progress = Callable[[str], None]

BUNDLE, EVALUATION, PREDICTIONS, FACTS = "bundle", "evaluation.json", "predictions.parquet", "candidate.json"


class Candidate(BaseModel):
    """What stands in a candidate's folder. ``reused``: it stood there already, and nothing was fitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs_key: str
    folder: Path
    sealed_digest: str
    config: EtaConfig
    importance: dict[str, float]
    reused: bool = False

    @property
    def bundle(self) -> Path:
        """The folder of the bundle."""
        return self.folder / BUNDLE

    @property
    def evaluation(self) -> dict[str, Any]:
        """The evaluation, as ``Evaluation.to_json`` gave it."""
        found: dict[str, Any] = json.loads((self.folder / EVALUATION).read_text(encoding="utf-8"))
        return found

    @property
    def predictions(self) -> pa.Table:
        """The scored rows of the holdout (see ``score_tables.prediction_table``)."""
        return pq.read_table(self.folder / PREDICTIONS)


def inputs_key(sealed_digest: str, config: EtaConfig, world: str) -> str:
    """The digest of all that a bundle is a function of: sealed rows, the family's code and knobs, and the lock of third parties.

    ``world`` too: a version serves one world, so equal rows of two worlds are two versions (of one bundle).
    """
    return digest_json(
        {
            "world": world,
            "training_set": sealed_digest,
            "config": config.model_dump(mode="json"),
            "code": code_digest(Path(tradewind_models.__file__).parent),
            "lock": lock_digest(),
        }
    )


def fit_candidate(
    settings: Settings, sealed_digest: str, config: EtaConfig | None = None, progress: Progress = lambda _: None
) -> Candidate:
    """Fit, evaluate and bundle the ETA model on the sealed set ``sealed_digest``; the same inputs are fitted once.

    The trees know what was known at the cut, ``spans.HOLDOUT_AGE`` before the set's as_of. They are judged on the orders
    of the days after the cut, and it is these trees that are bundled: what was measured is what is served. The bundle's
    calibration table is the one of as_of.

    Raises:
        NotFoundError: no such sealed set.
        IntegrityError: it is not what was sealed.
        SettingsError: too little was delivered before the cut.
    """
    config = config or EtaConfig()
    key = inputs_key(sealed_digest, config, settings.world_name)
    folder = settings.paths.world / "candidates" / key[:32]
    if folder.is_dir():
        return _read(folder, key).model_copy(update={"reused": True})
    sealed = read_sealed(sealed_digest, settings)
    with atomic_folder(folder) as partial:
        try:
            found = _made(partial, sealed, config, key, progress)
        except TooFewRowsError as error:
            as_of = spans.as_of_of(sealed)
            raise SettingsError(
                f"as_of {iso(as_of)}: too little was known at {iso(spans.cut_of(as_of))}, where the fit ends ({error}); choose a later as_of"
            ) from error
        write_text(partial / FACTS, found.model_dump_json(indent=1, exclude={"folder", "reused"}) + "\n")
    return found.model_copy(update={"folder": folder})


def holdout_of_sealed(sealed: SealedSet, config: EtaConfig) -> tuple[pa.Table, Holdout]:
    """The judged rows of a sealed set (label columns and features), and the family's holdout of them."""
    return holdout_of_rows(sealed.table(), spans.as_of_of(sealed), config)


def holdout_of_rows(table: pa.Table, as_of: dt.datetime, config: EtaConfig) -> tuple[pa.Table, Holdout]:
    """The same of label rows with their features, as known at ``as_of``."""
    cut = spans.cut_of(as_of)
    frame = frame_of(table, config, as_of)
    holdout = holdout_of(table, frame, cut, cut + spans.HOLDOUT_SPAN, lane_quantiles(table, frame, cut), config)
    return table.take(holdout.rows), holdout


def _made(folder: Path, sealed: SealedSet, config: EtaConfig, key: str, progress: Progress) -> Candidate:
    judged, holdout = holdout_of_sealed(sealed, config)
    as_of = spans.as_of_of(sealed)
    known = holdout.frame.known_at(microseconds(spans.cut_of(as_of)))
    model = fit(known, config)
    progress(f"fitted on {int((~np.isnan(known.duration_days)).sum()):,} parcels delivered before {spans.cut_of(as_of):%Y-%m-%d}")
    found = evaluate(model, holdout)
    progress(f"evaluated on {found.rows:,} parcels of the {spans.HOLDOUT_SPAN.days} days after, {found.under_way:,} still under way")
    _write(folder, recalibrate(model, holdout.frame, microseconds(as_of)), found, judged, holdout)
    return Candidate(inputs_key=key, folder=folder, sealed_digest=sealed.digest, config=config, importance=model.importance())


def _write(folder: Path, model: EtaModel, found: Evaluation, judged: pa.Table, holdout: Holdout) -> None:
    (folder / BUNDLE).mkdir()
    bundle(model, folder / BUNDLE)
    write_text(folder / EVALUATION, json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n")
    table = prediction_table(judged, found.predictions, holdout.baselines[LANE_MEDIAN][:, 1], holdout.weights)
    pq.write_table(table, folder / PREDICTIONS, compression="zstd")


def _read(folder: Path, key: str) -> Candidate:
    path = folder / FACTS
    try:
        found = Candidate.model_validate({**json.loads(path.read_text(encoding="utf-8")), "folder": folder})
    except (OSError, ValueError, ValidationError) as error:
        raise IntegrityError(f"{path}: not a candidate ({error}); delete {folder} and run again") from error
    if found.inputs_key != key:
        raise IntegrityError(f"{path}: a candidate of other inputs; delete {folder} and run again")
    return found
