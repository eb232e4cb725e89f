"""Materialization: a view's newest visible rows, from Parquet through Arrow into the packed online store, without a proto for each value.

What counts is when rows became visible, by created time and not by event time alone: a row that arrives late is offered when it has
arrived. The watermark is ours, kept in the online store with the rows that it speaks of: the instant up to which all visible rows of
the files named there are in. So the next time only those are offered that became visible since, or stand in a file that is new or was
replaced (a repair, a push).
"""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import UTC, Clock, iso
from tradewind_features.datasets import Dataset, open_dataset
from tradewind_features.materialization.batches import packed_rows
from tradewind_features.materialization.log import log_materialization
from tradewind_features.materialization.record import INCREMENTAL, WHOLE, Held, ViewMaterialization
from tradewind_features.materialization.visible import Since, Visible, newest_visible_rows, read_offered
from tradewind_features.offline.engine import Engine, Limits, open_engine
from tradewind_features.online.backend import Backend, PackedRow, ViewSpec, open_backend

if TYPE_CHECKING:
    from feast import FeatureView
    from feast.repo_config import RepoConfig

Progress = Callable[[int, int], None]
"""Hears rows offered so far and how many there are to offer; first with 0, then after each batch."""

_LOG = logging.getLogger(__name__)
_ROWS_PER_BATCH = 25_000
_LIMITS = {"memory": "memory_limit", "threads": "threads", "spill": "spill"}
_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=UTC)


def materialize_view(
    config: "RepoConfig",
    view: "FeatureView",
    end: dt.datetime,
    start: dt.datetime | None = None,
    whole: bool = False,
    progress: Progress | None = None,
) -> ViewMaterialization:
    """Bring the online store to ``end`` for one view whose source is local Parquet.

    Afterwards it holds, for each entity, the newest row that was visible at ``end`` (event and created time at or before it) or a newer
    one that was written since; one past the view's ttl too, which readers call expired. An entity that vanished from the source keeps the
    row it had. Only what arrived since the last time is offered, unless ``whole`` asks for all, or
    nothing is remembered, the view's definition changed, no file is the same, or ``end`` lies before the last one. Under a frozen clock
    rows from after ``end`` are deleted. ``start`` is logged and narrows nothing: an interval of event time would lose late rows. Naive
    instants are UTC.

    Raises:
        SettingsError: the source is not local Parquet, or a field can't be packed.
        StateError: source or store can't be used; the store is as it was.
    """
    from tradewind_features.online.store import backend_location, view_storage

    began = time.perf_counter()
    job = _Job(
        config=config,
        view=view,
        spec=view_storage(view),
        dataset=_opened(config, view),
        end=_zoned(end),
        progress=progress or (lambda _done, _all: None),
    )
    with open_backend(backend_location(config), job.spec.view) as backend:
        held = _held(backend, job.spec.view)
        _log(config, held)  # after a crash between rows and log
        since = None if whole else _since(held, job)
        begun = _begun(job, _zoned(start) if start is not None else _BEGINNING)
        try:
            if held is not None and since is not None and since.instant == job.end and held.files == job.dataset.fingerprints():
                record = _unchanged(backend, job, since, held, begun, began)
            else:
                record = _filled(backend, job, since, begun, began)
        except _ForgottenError as forgotten:
            record = _filled(backend, job, None, replace(begun, forgotten=forgotten.rows), began)
    _LOG.info("%s: %s, %d rows offered of %d entities in %.2f s", record.view, record.mode, record.offered, record.entities, record.seconds)
    _log(config, Held(record))
    return record


def standing(config: "RepoConfig", view: "FeatureView", end: dt.datetime) -> ViewMaterialization | None:
    """The record of a view's last materialization, if doing it again for ``end`` would read the same files to the same end; else ``None``.

    Raises:
        StateError: source or store can't be used.
    """
    from tradewind_features.online.store import backend_location, view_storage

    spec = view_storage(view)
    with open_backend(backend_location(config), spec.view) as backend:
        held = _held(backend, spec.view)
    if held is None or held.record.spec_digest != spec.spec_digest or held.record.to_at != iso(_zoned(end)):
        return None
    files = _opened(config, view).fingerprints()
    return held.record if held.files == files else None


def note_feasts_own(config: "RepoConfig", record: ViewMaterialization) -> None:
    """Log a materialization that Feast did in its own way; what our own knew of the view's files is void then."""
    from tradewind_features.online.store import PackedOnlineStoreConfig, backend_location

    if isinstance(config.online_store, PackedOnlineStoreConfig):
        with open_backend(backend_location(config), record.view) as backend:
            backend.note_materialized(record.view, Held(record).to_json())
    _log(config, Held(record))


def pushed_root(config: "RepoConfig") -> Path | None:
    """The folder of the logs of pushed rows that the offline store names; ``None`` if it keeps none."""
    named = getattr(config.offline_store, "pushed", None)
    if named is None:
        return None
    path = Path(named)
    return path if path.is_absolute() or config.repo_path is None else Path(config.repo_path) / path


@dataclass(frozen=True)
class _Job:
    config: "RepoConfig"
    view: "FeatureView"
    spec: ViewSpec
    dataset: Dataset
    end: dt.datetime
    progress: Progress


def _opened(config: "RepoConfig", view: "FeatureView") -> Dataset:
    try:
        return open_dataset(view.batch_source, config.repo_path, pushed_root(config))
    except StateError as error:
        raise StateError(f"view {view.name}, source {error}") from error


class _ForgottenError(Exception):
    """Rows were forgotten by a materialization that would have offered a part only: nobody would put their elders back."""

    def __init__(self, rows: int) -> None:
        super().__init__(f"{rows} rows from after the end were forgotten")
        self.rows = rows


def _held(backend: Backend, view: str) -> Held | None:
    text = backend.read_materialized().get(view)
    return None if text is None else Held.from_json(text, backend.location)


def _since(held: Held | None, job: _Job) -> Since | None:
    """What the store has already; ``None`` if all must be offered."""
    if held is None or held.record.spec_digest != job.spec.spec_digest:
        return None
    instant = dt.datetime.fromisoformat(held.record.to_at)
    changed = frozenset(name for name, mark in job.dataset.fingerprints().items() if held.files.get(name) != mark)
    nothing_is_the_same = len(changed) == len(job.dataset.parts)
    return None if job.end < instant or nothing_is_the_same else Since(instant, changed)


def _begun(job: _Job, start: dt.datetime) -> ViewMaterialization:
    return ViewMaterialization(
        view=job.spec.view,
        spec_digest=job.spec.spec_digest,
        published=Path(job.view.batch_source.path).name,
        published_digest=digest_json(job.dataset.fingerprints()),
        from_at=iso(start),
        to_at=iso(job.end),
        entities=0,
        rows=0,
        written=0,
        expired=0,
        forgotten=0,
        seconds=0.0,
        at=iso(Clock().now()),
        id=uuid.uuid4().hex[:12],
    )


def _filled(backend: Backend, job: _Job, since: Since | None, begun: ViewMaterialization, began: float) -> ViewMaterialization:
    with open_engine(_limits(job.config)) as engine:
        found = newest_visible_rows(engine, job.view, job.spec, job.dataset, job.end, since)
        record = replace(
            begun,
            entities=found.entities,
            rows=found.within_ttl,
            expired=found.entities - found.within_ttl,
            scanned=found.scanned,
            offered=found.offered,
            mode=WHOLE if since is None else INCREMENTAL,
        )
        return _written(backend, job, record, since, _packed(engine, job, found), began)


def _unchanged(backend: Backend, job: _Job, since: Since, held: Held, begun: ViewMaterialization, began: float) -> ViewMaterialization:
    """The same files up to the same end: nothing can have become visible, and the counts are those of the last time."""
    same = held.record
    counts = {"entities": same.entities, "rows": same.rows, "expired": same.expired, "scanned": 0, "mode": INCREMENTAL}
    job.progress(0, 0)
    return _written(backend, job, replace(begun, **counts), since, (), began)  # type: ignore[arg-type]  # counts are numbers, the mode a text


def _written(
    backend: Backend, job: _Job, record: ViewMaterialization, since: Since | None, batches: Iterable[list[PackedRow]], began: float
) -> ViewMaterialization:
    """Rows and the note of where they came from, in one transaction; returns the record with its counts."""
    with backend.transaction(job.spec.view):
        backend.declare(job.spec)
        forgotten = _forget(backend, job)
        if forgotten and since is not None:
            raise _ForgottenError(forgotten)
        written = sum(backend.write(job.spec.view, rows) for rows in batches)
        seconds = round(time.perf_counter() - began, 3)
        record = replace(record, written=written, forgotten=max(forgotten, record.forgotten), seconds=seconds)
        backend.note_materialized(job.spec.view, Held(record, job.dataset.fingerprints()).to_json())
    return record


def _forget(backend: Backend, job: _Job) -> int:
    """Under a frozen clock that was set back, delete what nobody could have at the end. A wall's clock runs on: its rows stay."""
    return (
        backend.forget_after(job.spec.view, (job.end - _BEGINNING) // dt.timedelta(microseconds=1))
        if job.config.online_store.frozen_at is not None
        else 0
    )


def _packed(engine: Engine, job: _Job, found: Visible) -> Iterator[list[PackedRow]]:
    """The offered rows, packed, in batches; progress is told when a batch has been taken in."""
    done = 0
    job.progress(done, found.offered)
    for batch in read_offered(engine, job.spec, _ROWS_PER_BATCH):
        yield packed_rows(job.spec, batch, job.dataset.location)
        done += batch.num_rows
        job.progress(done, found.offered)


def _limits(config: "RepoConfig") -> Limits:
    """The limits that the offline store names, if it is one that names them."""
    named = {name: getattr(config.offline_store, setting, None) for name, setting in _LIMITS.items()}
    limits = Limits(**{name: value for name, value in named.items() if value is not None})
    return replace(limits, spill=None if limits.spill is None else Path(limits.spill))


def _log(config: "RepoConfig", held: Held | None) -> None:
    folder = getattr(config.online_store, "materializations", None)
    if held is not None and folder is not None:
        log_materialization(Path(folder), held.record)


def _zoned(instant: dt.datetime) -> dt.datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
