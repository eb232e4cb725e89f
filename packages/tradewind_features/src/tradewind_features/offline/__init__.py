"""Feast's DuckDB offline store with two promises kept: only what was known counts, and each value's event time comes with it.

``type: tradewind_features.offline.KnownAtDuckDBOfflineStore`` in ``feature_store.yaml``. The join in time is Feast's own; this class
only reads less (rows that no entity row can reach are left in the file) and asks for more (the event time of the joined row).
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pandas as pd
from feast import FeatureView
from feast.data_source import DataSource
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig, _read_data_source, _write_data_source
from feast.infra.offline_stores.ibis import get_historical_features_ibis
from feast.infra.offline_stores.offline_store import RetrievalJob
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import RepoConfig

from tradewind_contracts.errors import SettingsError

ROW_EVENT_AT = "row_event_at"
"""Name of the added column, ``<view>__row_event_at`` in the answer: event time of the row that gave the values, null without one."""


class KnownAtDuckDBOfflineStoreConfig(DuckDBOfflineStoreConfig):  # type: ignore[misc]  # Feast ships no types
    """Settings of the store in ``feature_store.yaml``."""

    type: Literal["tradewind_features.offline.KnownAtDuckDBOfflineStore"] = "tradewind_features.offline.KnownAtDuckDBOfflineStore"
    known_at: bool = True
    """Only rows created at or before an entity row's instant count (Feast's ``filter_by_created_timestamp``, off by default there)."""


class KnownAtDuckDBOfflineStore(DuckDBOfflineStore):  # type: ignore[misc]  # Feast ships no types
    """What a row may see at ``t``: event time ≤ t, created time ≤ t, and event time + ttl ≥ t; of those the newest by (event, created)."""

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
    ) -> RetrievalJob:
        """Feast's point-in-time join; with ``full_feature_names`` also ``<view>__row_event_at`` for each view.

        Raises:
            SettingsError: the entity rows are given as SQL, which this store has no database for.
        """
        if not isinstance(entity_df, pd.DataFrame):
            raise SettingsError("entity rows: a data frame is expected; SQL text is not supported by this offline store")
        refs = list(feature_refs)
        if full_feature_names:
            refs += [f"{view.projection.name_to_use()}:{ROW_EVENT_AT}" for view in feature_views]
        return get_historical_features_ibis(
            config=config,
            feature_views=feature_views,
            feature_refs=refs,
            entity_df=entity_df,
            registry=registry,
            project=project,
            full_feature_names=full_feature_names,
            data_source_reader=_reader_within(feature_views, entity_df),
            data_source_writer=_write_data_source,
            filter_by_created_timestamp=filter_by_created_timestamp or config.offline_store.known_at,
        )


def _reader_within(views: Sequence[FeatureView], entity_df: pd.DataFrame) -> Callable[[DataSource, str], Any]:
    """Feast's reader of sources, narrowed to the rows that the entity rows can reach: from the first's instant less ttl to the last's."""
    instants = pd.to_datetime(entity_df[infer_event_timestamp_from_entity_df(dict(entity_df.dtypes))], utc=True)
    first, last = instants.min().to_pydatetime(), instants.max().to_pydatetime()
    reach = {view.batch_source.name: _reach(views, view.batch_source.name) for view in views}

    def read(source: DataSource, repo_path: str) -> Any:
        table = _read_data_source(source, repo_path)
        event = table[source.timestamp_field].cast("timestamp('UTC')")
        table = table.mutate(**{ROW_EVENT_AT: event})
        ttl = reach[source.name]
        within = event <= last
        return table.filter(within & (event >= first - ttl) if ttl else within)

    return read


def _reach(views: Sequence[FeatureView], source: str) -> dt.timedelta | None:
    """The longest ttl of the views on a source; ``None`` if one of them never expires."""
    ttls = [view.ttl or dt.timedelta() for view in views if view.batch_source.name == source]
    return max(ttls) if all(ttls) else None
