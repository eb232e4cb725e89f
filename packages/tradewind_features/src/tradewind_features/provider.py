"""Feast's provider: materialization straight from Parquet through Arrow to packed rows, without a proto for each value.

``provider: tradewind_features.provider.TradewindProvider`` in ``feature_store.yaml``. Everything else is Feast's own.
"""

import datetime as dt
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from feast import FeatureView, FileSource, OnDemandFeatureView
from feast.infra.passthrough_provider import PassthroughProvider
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import RepoConfig

from tradewind_contracts.digests import digest_file
from tradewind_contracts.errors import StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.instants import Clock, iso
from tradewind_features.online.backend import ViewSpec, open_backend
from tradewind_features.online.packing import pack_columns
from tradewind_features.online.store import PackedSqliteOnlineStoreConfig, microseconds, store_path, view_storage
from tradewind_features.specs import spec_digest

_LOG = logging.getLogger(__name__)
_ROWS_PER_CHUNK = 50_000


@dataclass(frozen=True)
class ViewMaterialization:
    """One view's materialization, as it is logged.

    Of the ``entities`` with a visible row, ``rows`` were offered to the store (``written`` took effect; the others were not newer than
    what it held) and ``expired`` were left out, since their newest row was past the ttl at the end. ``forgotten`` rows were deleted,
    because the frozen clock had been set back before them.
    """

    view: str
    spec_digest: str
    published: str
    published_digest: str
    from_at: str
    to_at: str
    entities: int
    rows: int
    written: int
    expired: int
    forgotten: int
    seconds: float
    at: str


class TradewindProvider(PassthroughProvider):  # type: ignore[misc]  # Feast ships no types
    """Feast's passthrough provider with a materialization of its own for Parquet sources and the packed online store.

    A row is visible at the end of a materialization if it was there by then: event and created time at or before it. The newest visible
    row of each entity is written (by event, then created). An entity whose newest row is past the view's ttl is skipped, and one that has
    vanished from the source keeps the row it had: both expire at read.
    """

    def __init__(self, config: RepoConfig) -> None:
        super().__init__(config)
        self.materialized: list[ViewMaterialization] = []

    def materialize_single_feature_view(
        self,
        config: RepoConfig,
        feature_view: FeatureView | OnDemandFeatureView,
        start_date: dt.datetime,
        end_date: dt.datetime,
        registry: BaseRegistry,
        project: str,
        tqdm_builder: Callable[[int], Any],
        disable_event_timestamp: bool = False,
    ) -> None:
        """Bring one view's newest visible rows into the online store; Feast's own way for other sources or stores."""
        packed = isinstance(config.online_store, PackedSqliteOnlineStoreConfig)
        if not packed or not isinstance(feature_view, FeatureView) or not _reads_local_parquet(feature_view):
            super().materialize_single_feature_view(
                config, feature_view, start_date, end_date, registry, project, tqdm_builder, disable_event_timestamp
            )
            return
        self.materialized.append(_materialize(config, feature_view, start_date, end_date))


def _materialize(config: RepoConfig, view: FeatureView, start: dt.datetime, end: dt.datetime) -> ViewMaterialization:
    began = time.perf_counter()
    spec, path = view_storage(view), Path(view.batch_source.path)
    rows, entities = newest_visible_rows(view, spec, path, start, end)
    record = ViewMaterialization(
        view=spec.view,
        spec_digest=spec_digest(view),
        published=path.name,
        published_digest=digest_file(path),
        from_at=iso(start),
        to_at=iso(end),
        entities=entities,
        rows=rows.num_rows,
        written=0,
        expired=entities - rows.num_rows,
        forgotten=0,
        seconds=0.0,
        at=iso(Clock().now()),
    )
    record = _write(config, spec, rows, record, microseconds(end))
    record = replace(record, seconds=round(time.perf_counter() - began, 3))
    _LOG.info("%s: %d rows of %d entities in %.2f s", record.view, record.rows, record.entities, record.seconds)
    if config.online_store.materializations is not None:
        log_materialization(Path(config.online_store.materializations), record)
    return record


def newest_visible_rows(view: FeatureView, spec: ViewSpec, path: Path, start: dt.datetime, end: dt.datetime) -> tuple[pa.Table, int]:
    """The newest row of each entity that was visible at ``end`` and within the ttl, and how many entities have any visible row.

    Columns: ``entity_key``, ``event_us``, ``created_us``, then the view's features.

    Raises:
        StateError: the published file is absent, or lacks a column.
    """
    source = view.batch_source
    column = {feature: source_name for source_name, feature in (source.field_mapping or {}).items()}
    key, event = _quoted(column.get(spec.key_name, spec.key_name)), _quoted(source.timestamp_field)
    created = _quoted(source.created_timestamp_column or source.timestamp_field)
    features = "".join(f", {_quoted(column.get(name, name))} AS {_quoted(name)}" for name in spec.schema.names)
    visible = f"{key} IS NOT NULL AND {event} BETWEEN $start AND $end AND {created} <= $end"
    values: dict[str, Any] = {"path": str(path), "start": start, "end": end}
    try:
        with duckdb.connect(config={"threads": 2}) as connection:
            entities = connection.execute(
                f"SELECT count(DISTINCT {key}) FROM read_parquet($path) WHERE {visible}",  # noqa: S608 - names are quoted
                values,
            ).fetchone()[0]
            oldest = max(start, end - dt.timedelta(microseconds=spec.ttl_us)) if spec.ttl_us else start
            rows = connection.execute(
                f"SELECT {key} AS entity_key, epoch_us({event}) AS event_us, epoch_us({created}) AS created_us{features}"  # noqa: S608 - names are quoted
                f" FROM read_parquet($path) WHERE {visible}"
                f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {event} DESC, {created} DESC) = 1 ORDER BY entity_key",
                values | {"start": oldest},
            ).to_arrow_table()
    except (duckdb.IOException, duckdb.BinderException) as error:
        raise StateError(
            f"view {view.name}, source {source.name}: {path} can't be read as declared ({error}); publish the features again"
        ) from error
    return rows, entities


def _write(config: RepoConfig, spec: ViewSpec, rows: pa.Table, record: ViewMaterialization, end_us: int) -> ViewMaterialization:
    """Rows and the note of where they came from, in one transaction; returns the record with its counts."""
    with open_backend(store_path(config)) as backend, backend.transaction():
        backend.declare(spec)
        forgotten = backend.forget_after(spec.view, end_us) if config.online_store.frozen_at is not None else 0
        written = 0
        for start in range(0, rows.num_rows, _ROWS_PER_CHUNK):
            part = rows.slice(start, _ROWS_PER_CHUNK)
            packed = pack_columns(spec.schema, {name: part[name] for name in spec.schema.names}, part.num_rows)
            keys_and_stamps = (part[name].to_pylist() for name in ("entity_key", "event_us", "created_us"))
            written += backend.write(spec.view, zip(*keys_and_stamps, packed, strict=True))
        noted = replace(record, written=written, forgotten=forgotten)
        backend.note_materialized(spec.view, json.dumps(asdict(noted), sort_keys=True))
    return noted


def log_materialization(folder: Path, record: ViewMaterialization) -> Path:
    """Write one entry of the log: ``<to>-<view>-<digest>.json``, so that entries sort by the instant they reach to."""
    reached = record.to_at.replace("-", "").replace(":", "")
    path = folder / f"{reached}-{record.view}-{record.published_digest[:16]}.json"
    write_text(path, json.dumps(asdict(record), indent=2, sort_keys=True) + "\n")
    return path


def read_materializations(folder: Path) -> list[ViewMaterialization]:
    """All entries of the log, oldest reach first; empty where there is none."""
    return [ViewMaterialization(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]


def materialized_now(path: Path) -> dict[str, ViewMaterialization]:
    """What each view in the online store at ``path`` was last materialized from; empty where there is no store."""
    if not path.exists():
        return {}
    with open_backend(path) as backend:
        return {view: ViewMaterialization(**json.loads(record)) for view, record in backend.read_materialized().items()}


def _reads_local_parquet(view: FeatureView) -> bool:
    source = view.batch_source
    return isinstance(source, FileSource) and str(source.path).endswith(".parquet") and "://" not in str(source.path)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
