"""Decisions as rows of the declared table ``predictions``: Arrow columns from what a request left behind.

Runs on the log's own thread, in the process that answers: each step that holds the interpreter is short, and between steps it is given away.
"""

import datetime as dt
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tradewind_contracts.tables.predictions import LOGGED
from tradewind_features.online.assembly import Parcels, Vector
from tradewind_serving.answers import EtaAnswer
from tradewind_serving.prediction_log import columns
from tradewind_serving.prediction_log.policy import LogPolicy
from tradewind_serving.proving import Served
from tradewind_serving.questions import EtaRequest

STEP_ROWS = 8
"""Rows that are turned into columns before the interpreter is given away. Chosen: about 0.1 ms, a tenth of an answer."""

PAUSE_SECONDS = 0.0002
"""How long it is given away for: enough for a waiting thread to wake up and take it."""


class Decision(NamedTuple):
    """What one request left behind: references, nothing is copied. ``requests``, ``answers`` and the vector have the same order."""

    served: Served
    requests: Sequence[EtaRequest]
    parcels: Parcels
    vector: Vector
    answers: Sequence[EtaAnswer]
    answered_at: dt.datetime
    logged_at: dt.datetime
    latency_ms: float
    endpoint: str


class RowMaker:
    """Makes rows for one world under one policy. For one thread."""

    def __init__(self, world: str, policy: LogPolicy, pause: Callable[[float], None] = time.sleep) -> None:
        self._world = world
        self._forms = [policy.forms[name] for name in ("order_id", "merchant_id", "origin_area", "destination_area")]
        self._pause = pause
        self._keys: dict[tuple[str, ...], columns.Column] = {}
        self._names: dict[tuple[tuple[str, ...], ...], _Names] = {}

    def batches(self, decisions: Sequence[Decision]) -> Iterator[pa.RecordBatch]:
        """Batches of ``LOGGED``, in order: one for each run of decisions of one version that have the same columns."""
        for (_, form), run in itertools.groupby(decisions, key=lambda decision: (id(decision.served), self._names_of(decision))):
            yield self._batch(list(run), form)

    def _batch(self, run: list[Decision], names: "_Names") -> pa.RecordBatch:
        rows: list[tuple[Any, ...]] = []
        for decision in run:
            for row in self._rows(decision):
                rows.append(row)
                if len(rows) % STEP_ROWS == 0:
                    self._pause(PAUSE_SECONDS)
        made = [_MAKERS[field.type](values) for field, values in zip(LOGGED, zip(*rows, strict=True), strict=False)]
        self._pause(PAUSE_SECONDS)
        return pa.RecordBatch.from_arrays([*made, *self._maps(run, names)], schema=LOGGED)

    def _rows(self, decision: Decision) -> Iterator[tuple[Any, ...]]:
        """The columns up to ``fallbacks``, in the order of the table."""
        version = decision.served.version
        order, merchant, origin, destination = self._forms
        for request, answer in zip(decision.requests, decision.answers, strict=True):
            days = answer.estimates
            yield (
                str(answer.decision_id),
                version.name,
                version.number,
                version.digest,
                version.source,
                self._world,
                decision.answered_at,
                decision.logged_at,
                answer.ordered_at,
                order(request.order_id),
                merchant(request.merchant_id),
                origin(request.origin_postal_code),
                destination(request.destination_postal_code),
                days.p10.days,
                days.p50.days,
                days.p90.days,
                request.confidence,
                answer.promise.days,
                decision.latency_ms,
                decision.endpoint,
                [fallback.kind for fallback in answer.fallbacks],
            )

    def _maps(self, run: list[Decision], names: "_Names") -> list[columns.Column]:
        numbers = [_by_row(_taken(names.numbers, d.parcels.columns, d.vector.columns), len(d.answers)) for d in run]
        texts = [_by_row(_taken(names.texts, d.parcels.columns, d.vector.columns), len(d.answers)) for d in run]
        ages = [_by_row(list(d.vector.age_hours.values()), len(d.answers)) for d in run]
        count = sum(len(d.answers) for d in run)
        return [
            self._map(names.numbers, count, columns.numbers(_together(numbers))),
            self._map(names.texts, count, columns.texts(np.concatenate(texts).tolist())),
            self._map(names.ages, count, columns.numbers(_together(ages))),
        ]

    def _names_of(self, decision: Decision) -> "_Names":
        asked, seen, ages = decision.parcels.columns, decision.vector.columns, decision.vector.age_hours
        form = (tuple(asked), tuple(seen), tuple(ages))
        names = self._names.get(form)
        if names is None:
            names = self._names[form] = _names({**seen, **asked}, form[2])
        return names

    def _map(self, names: tuple[str, ...], count: int, values: columns.Column) -> columns.Column:
        """``count`` maps with the same keys, from their values row by row."""
        size = count * len(names)
        keys = self._keys.get(names)
        if keys is None or len(keys) < size:
            # Kept: each flush would make the same texts again.
            keys = self._keys[names] = columns.texts(list(names) * max(count, 64))
        return columns.maps(count, keys.slice(0, size), values)


@dataclass(frozen=True)
class _Names:
    """Which entries the three maps of a run have."""

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    ages: tuple[str, ...]


def _names(values: Mapping[str, Any], ages: tuple[str, ...]) -> _Names:
    texts = tuple(name for name, column in values.items() if column.dtype == object)
    return _Names(tuple(name for name in values if name not in texts), texts, ages)


def _taken(names: tuple[str, ...], first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Any]:
    return [first[name] if name in first else second[name] for name in names]


def _by_row(parts: list[Any], rows: int) -> Any:
    """Columns, each [rows], as one flat array, row by row."""
    if not parts:
        return np.empty(0)
    flat = np.concatenate(parts)
    return flat if rows == 1 else flat.reshape(len(parts), rows).T.ravel()


def _together(parts: list[Any]) -> Any:
    return np.concatenate(parts).astype(np.float64, copy=False)


_MAKERS: dict[pa.DataType, Callable[[Any], columns.Column]] = {
    pa.string(): columns.texts,
    pa.int64(): columns.integers,
    pa.timestamp("us", tz="UTC"): columns.instants,
    pa.float64(): lambda values: columns.numbers(np.array(values, dtype=np.float64)),
    pa.list_(pa.string()): columns.lists_of_texts,
}
