"""A replay: what a version that was fitted earlier would have answered to each order of a span, in the form of the prediction log.

The version is made as of an instant by the very steps of a training run, but for the registry. Its bundle stays as it was sealed, trees
and calibration table, as a service that nobody retrains would serve it. Each order has the features of its purchase.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import labels
from tradewind_lifecycle.candidates import Candidate, fit_candidate
from tradewind_lifecycle.holdouts import frame_of, promise_days
from tradewind_lifecycle.monitoring.shapes import AGE_SUFFIX
from tradewind_lifecycle.monitoring.watched import Watched, watched_candidate
from tradewind_lifecycle.sealed_frames import sealed_frame
from tradewind_lifecycle.training_sets import build, read_sealed
from tradewind_models.eta import read
from tradewind_models.eta.predictor import FAMILY

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Replay:
    """A frozen version and its answers to the orders of a span, as log rows."""

    watched: Watched
    log: pa.Table


def replay(settings: Settings, start: dt.datetime, end: dt.datetime, as_of: dt.datetime, progress: Progress = lambda _: None) -> Replay:
    """The answers of the version of ``as_of`` to every order placed in [start, end) (all zoned). The version is fitted once per world.

    Raises:
        SettingsError: the span is empty, holds no order, or begins before ``as_of``; or too little was known then.
        StateError: nothing is published.
    """
    if not as_of <= start < end:
        raise SettingsError(
            f"replay {iso(start)} to {iso(end)} by the version of {iso(as_of)}: expected as_of ≤ start < end, so that it has not seen the span"
        )
    asked = labels.placed_between(labels.read_labels(settings), start, end)
    if not asked.num_rows:
        raise SettingsError(f"replay {iso(start)} to {iso(end)}: no order was placed then; choose a span that the world has")
    frozen = sealed_frame(settings, FAMILY, iso(as_of), progress=progress)
    candidate = fit_candidate(settings, frozen.digest, progress=progress)
    watched = watched_candidate(candidate, read_sealed(frozen.digest, settings))
    table = build(candidate.config.service, asked, settings, progress)
    progress(f"{table.num_rows:,} parcels answered by {watched.name}, frozen")
    return Replay(watched, _log(table, candidate, watched))


def _log(table: pa.Table, candidate: Candidate, watched: Watched) -> pa.Table:
    until: dt.datetime = table["observed_until_at"][0].as_py() + dt.timedelta(microseconds=1)
    frame = frame_of(table, candidate.config, until)
    answers = read(candidate.bundle).predict(frame.columns)
    return log_rows(table, answers, list(frame.columns), watched.views)


def log_rows(table: pa.Table, answers: np.ndarray, inputs: list[str], views: list[str], version: int = 0) -> pa.Table:
    """Log rows of label rows with features [n] and their answers [n, 3] in days; answered at purchase, version 0: not registered."""
    texts = [name for name in inputs if pa.types.is_string(table.schema.field(name).type)]
    numbers = [name for name in inputs if name not in texts]
    columns: dict[str, Any] = {
        "version": pa.array([version] * table.num_rows, pa.int64()),
        "answered_at": table["event_timestamp"],
        "ordered_at": table["event_timestamp"],
        "order_id": table["order_id"],
        "merchant_id": table["merchant_id"],
    }
    for position, name in enumerate(("p10_days", "p50_days", "p90_days")):
        columns[name] = pa.array(answers[:, position])
    promise = promise_days(table)
    columns["promise_days"] = pa.array(promise, mask=np.isnan(promise))
    columns["numbers"] = _mapped(table, {name: name for name in numbers}, pa.float64())
    columns["texts"] = _mapped(table, {name: name for name in texts}, pa.string())
    columns["ages_hours"] = _mapped(table, {view: view + AGE_SUFFIX for view in views}, pa.float64())
    return pa.table(columns)


def _mapped(table: pa.Table, columns: dict[str, str], kind: pa.DataType) -> Any:
    """One map per row: key → value of its column."""
    rows, width = table.num_rows, len(columns)
    offsets: Any = pa.array(np.arange(rows + 1) * width, pa.int32())
    keys: Any = pa.array(list(columns) * rows, pa.string())
    side_by_side: Any = (
        pa.concat_arrays([table[name].cast(kind).combine_chunks() for name in columns.values()]) if width else pa.array([], kind)
    )
    order = np.arange(rows * width).reshape(width, rows).T.ravel() if width else np.array([], dtype=np.int64)
    return pa.MapArray.from_arrays(offsets, keys, side_by_side.take(pa.array(order, pa.int64())))
