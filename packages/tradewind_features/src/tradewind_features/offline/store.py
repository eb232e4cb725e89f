"""Feast's offline store plugin: point-in-time joins over local Parquet, in which only what was known counts.

``type: tradewind_features.offline.store.PointInTimeOfflineStore`` in ``feature_store.yaml``.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
from feast import FeatureView
from feast.data_source import DataSource
from feast.errors import RequestDataNotFoundInEntityDfException
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.infra.offline_stores.file_source import FileLoggingDestination, FileSource
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.utils import compute_non_entity_date_range

from tradewind_contracts.errors import SettingsError
from tradewind_features.datasets import open_dataset, open_path, source_location
from tradewind_features.offline.answering import Question
from tradewind_features.offline.engine import Limits
from tradewind_features.offline.entity_rows import EVENT_TIMESTAMP, EntityRows, from_arrow, from_frame
from tradewind_features.offline.joining import ViewJoin, instant
from tradewind_features.offline.planning import plan_join, source_columns
from tradewind_features.offline.pulling import Pull, distinct_keys, pull_all, pull_newest
from tradewind_features.offline.querying import Tables, answer_query
from tradewind_features.offline.retrieval import PointInTimeRetrievalJob, SourceRetrievalJob
from tradewind_features.offline.writing import write_logged, write_rows


class PointInTimeOfflineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast ships no types
    """Settings of the store in ``feature_store.yaml``; relative paths are below the feature repository."""

    type: Literal["tradewind_features.offline.store.PointInTimeOfflineStore"] = "tradewind_features.offline.store.PointInTimeOfflineStore"
    known_at: bool = True
    """Only rows created at or before an entity row's instant count (Feast's ``filter_by_created_timestamp``, off by default there)."""
    row_event_at: bool = False
    """Under full feature names also ``<view>__row_event_at``: event time of the row that gave the values, null without one."""
    memory_limit: str = "2GB"
    """DuckDB's; what does not fit spills to disk. The answer itself stands beside it, unless it is streamed into Parquet."""
    threads: int = 2
    spill: Path | None = None
    """Folder for spilling; none: a temporary one, deleted after."""
    pushed: Path | None = None
    """Folder of the log of pushed rows, read beside every source; none: rows are written into the source itself."""
    tables: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    """Further Parquet (file, folder, glob) that a query for entity rows may read, by name; each source is there by its own name."""


class PointInTimeOfflineStore(OfflineStore):  # type: ignore[misc]  # Feast ships no types
    """What a row may see at ``t``: event time ≤ t, created time ≤ t; of those the newest by (event, created), if event + ttl ≥ t."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        start_date: dt.datetime | None = None,
        end_date: dt.datetime | None = None,
    ) -> RetrievalJob:
        """The entity rows with their features: every row once, in its place.

        ``entity_df`` is a frame, a SELECT over the sources by name, or ``None``: then there is one row for each combination of keys with an
        event between the two dates, and the features are those known at ``end_date``. The join runs when the job is asked.

        Raises:
            SettingsError: the entity rows lack a key or an instant, a view has no source or one that is not local Parquet.
            StateError: a source is absent, or lacks a column that a view declares.
        """
        settings = _settings(config)
        known_at = filter_by_created_timestamp or settings.known_at
        opened = {id(view): source_columns(view, config.repo_path, _below(config, settings.pushed)) for view in feature_views}
        joins = [plan_join(view, feature_refs, opened[id(view)], known_at, full_feature_names) for view in feature_views]
        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        rows = _entity_rows(config, feature_views, joins, entity_df, registry, project, (start_date, end_date))
        _check_keys(rows, joins)
        _check_request_data(rows, on_demand)
        question = Question(
            rows=rows,
            joins=joins,
            answer=_in_order(feature_refs, feature_views, joins),
            limits=_limits(config),
            row_event_at=settings.row_event_at and full_feature_names,
        )
        return PointInTimeRetrievalJob(question, _metadata(rows, feature_refs), config.repo_path, full_feature_names, on_demand)

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: dt.datetime,
        end_date: dt.datetime,
    ) -> RetrievalJob:
        """Each entity's newest row with an event in [start, end], in the order of the keys; under known-at, created by the end, too.

        Raises:
            SettingsError: the source is not local Parquet.
            StateError: it is absent, or lacks a column.
        """
        pull = _pull(
            config, data_source, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column, start_date, end_date
        )
        return SourceRetrievalJob(lambda: pull_newest(pull, _limits(config)), pull.newest_sql, config.repo_path)

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: dt.datetime | None = None,
        end_date: dt.datetime | None = None,
    ) -> RetrievalJob:
        """All rows with an event in [start, end], in the order of the files.

        Raises:
            SettingsError: the source is not local Parquet.
            StateError: it is absent, or lacks a column.
        """
        pull = _pull(
            config, data_source, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column, start_date, end_date
        )
        return SourceRetrievalJob(lambda: pull_all(pull, _limits(config)), pull.all_sql, config.repo_path)

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Append rows to the view's source, or to the log of pushed rows beside it.

        Raises:
            SettingsError: the view has no source, or the rows do not have its columns.
            StateError: the source can't be read or written; nothing was changed.
        """
        if feature_view.batch_source is None:
            raise SettingsError(f"view {feature_view.name}: it has no source to write to; give it one (FileSource) and apply it")
        write_rows(feature_view.batch_source, table, config.repo_path, _below(config, _settings(config).pushed))
        if progress is not None:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: pa.Table | Path,
        source: LoggingSource,  # noqa: ARG004 - Feast's signature
        logging_config: LoggingConfig,
        registry: BaseRegistry,  # noqa: ARG004 - Feast's signature
    ) -> None:
        """Append what a service served to the log that its configuration names.

        Raises:
            SettingsError: the destination is no local folder.
            StateError: it can't be written.
        """
        destination = logging_config.destination
        if not isinstance(destination, FileLoggingDestination):
            raise SettingsError(
                f"served features: this store logs into local Parquet (FileLoggingDestination), found {type(destination).__name__}"
            )
        folder = Path(source_location(destination.to_data_source(), config.repo_path))
        write_logged(data, folder, list(destination.partition_by or []))


def _settings(config: RepoConfig) -> PointInTimeOfflineStoreConfig:
    assert isinstance(config.offline_store, PointInTimeOfflineStoreConfig)
    return config.offline_store


def _limits(config: RepoConfig) -> Limits:
    settings = _settings(config)
    return Limits(settings.memory_limit, settings.threads, _below(config, settings.spill))


def _below(config: RepoConfig, path: Path | None) -> Path | None:
    if path is None or path.is_absolute() or config.repo_path is None:
        return path
    return Path(config.repo_path) / path


def _pull(
    config: RepoConfig,
    source: DataSource,
    keys: list[str],
    features: list[str],
    event: str,
    created: str | None,
    start: dt.datetime | None,
    end: dt.datetime | None,
) -> Pull:
    settings = _settings(config)
    dataset = open_dataset(source, config.repo_path, _below(config, settings.pushed))
    return Pull(dataset, tuple(keys), tuple(features), event, created or None, start, end, settings.known_at).check()


def _entity_rows(
    config: RepoConfig,
    views: list[FeatureView],
    joins: list[ViewJoin],
    given: pd.DataFrame | str | None,
    registry: BaseRegistry,
    project: str,
    span: tuple[dt.datetime | None, dt.datetime | None],
) -> EntityRows:
    if isinstance(given, pd.DataFrame):
        return from_frame(given)
    if isinstance(given, str):
        return from_arrow(answer_query(given, _tables(config, registry, project), _limits(config)))
    if given is not None:
        raise SettingsError(f"entity rows: a pandas data frame, a SELECT or None is expected, found {type(given).__name__}")
    start, end = compute_non_entity_date_range(views, start_date=span[0], end_date=span[1])
    pulls = [(Pull(plan.dataset, (), (), plan.event, plan.created, start, end), plan.keys) for plan in joins]
    keys = distinct_keys(pulls, _limits(config))
    ends = pa.array([end] * (keys.num_rows if keys.num_columns else 1), pa.timestamp("us", "UTC"))
    return from_arrow(pa.table([*keys.columns, ends], names=[*keys.column_names, EVENT_TIMESTAMP]))


def _tables(config: RepoConfig, registry: BaseRegistry, project: str) -> Tables:
    settings = _settings(config)
    pushed = _below(config, settings.pushed)
    tables: dict[str, Any] = {}
    for source in registry.list_data_sources(project, allow_cache=True):
        if isinstance(source, FileSource):
            tables[source.name] = lambda source=source: open_dataset(source, config.repo_path, pushed)
    for name, path in settings.tables.items():
        tables[name] = lambda name=name, path=path: open_path(name, _below(config, Path(path)) or path)
    return tables


def _check_keys(rows: EntityRows, joins: list[ViewJoin]) -> None:
    for plan in joins:
        for key, _ in plan.keys:
            if key not in rows.columns:
                raise SettingsError(f"view {plan.view}, key {key}: the entity rows have no such column (found: {', '.join(rows.columns)})")


def _check_request_data(rows: EntityRows, on_demand: list[OnDemandFeatureView]) -> None:
    """Feast checks data frames itself, but not what a query answers."""
    for view in on_demand:
        for name in view.get_request_data_schema():
            if name not in rows.columns:
                raise RequestDataNotFoundInEntityDfException(feature_name=name, feature_view_name=view.name)


def _in_order(references: list[str], views: list[FeatureView], joins: list[ViewJoin]) -> list[tuple[str, int]]:
    """(column of the answer, index of its join) as the references ask; those of on-demand views are left to Feast."""
    columns: dict[str, list[tuple[str, int]]] = {}
    for index, (view, plan) in enumerate(zip(views, joins, strict=True)):
        asked = view.projection.name_to_use()
        columns.setdefault(asked, []).extend((name, index) for name, _ in plan.features)
    order = [reference.partition(":")[0] for reference in references]
    return [columns[prefix].pop(0) for prefix in order if columns.get(prefix)]


def _metadata(rows: EntityRows, references: list[str]) -> RetrievalMetadata:
    span = rows.span()
    first, last = (instant(span[0]), instant(span[1] - 1)) if span else (None, None)
    keys = [name for name in rows.columns if name != rows.time_column]
    return RetrievalMetadata(features=references, keys=keys, min_event_timestamp=first, max_event_timestamp=last)
