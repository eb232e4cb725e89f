"""Feast's provider: it materializes straight from Parquet through Arrow, and puts what is pushed into the log before it is served.

``provider: tradewind_features.provider.TradewindProvider`` in ``feature_store.yaml``. Everything else is Feast's own.
"""

import contextlib
import datetime as dt
import inspect
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from feast import BatchFeatureView, FeatureStore, FeatureView, OnDemandFeatureView, StreamFeatureView
from feast.data_source import DataSource
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.passthrough_provider import PassthroughProvider
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import RepoConfig

from tradewind_contracts.errors import QualityError, SettingsError
from tradewind_contracts.instants import Clock, iso
from tradewind_features.datasets import source_location
from tradewind_features.materialization import FEASTS, Progress, ViewMaterialization, materialize_view, note_feasts_own
from tradewind_features.online.store import PackedOnlineStoreConfig
from tradewind_features.pushing.intake import PushIntake, Taken, held_by_the_log, write_online
from tradewind_features.specs import spec_digest


class TradewindProvider(PassthroughProvider):  # type: ignore[misc]  # Feast ships no types
    """Feast's passthrough provider with :func:`~tradewind_features.materialization.materialize_view` for local Parquet.

    ``materialized`` holds the record of each view's materialization by this provider, in order.
    """

    def __init__(self, config: RepoConfig) -> None:
        super().__init__(config)
        self.materialized: list[ViewMaterialization] = []
        self._intake = PushIntake()

    def ingest_df(
        self, feature_view: FeatureView | OnDemandFeatureView, df: pd.DataFrame, field_mapping: dict[str, str] | None = None
    ) -> None:
        """Put pushed records into the log of their source, if the offline store keeps one, and then into the online store.

        A record without a created time was created now, by the store's clock.

        Raises:
            QualityError: the records are not what the view says, or from the future; nothing was written.
            StateError: log or store can't be written; the error says what the log holds.
        """
        if isinstance(feature_view, OnDemandFeatureView) or not self._is_ours(feature_view):
            super().ingest_df(feature_view, df, field_mapping)
            return
        taken = self._intake.take(self.repo_config, feature_view, _arrow(feature_view, df), "online")
        try:
            self._serve(feature_view, taken, field_mapping)
        except Exception as error:
            if taken.log is None:
                raise
            raise held_by_the_log(error, taken) from error

    def _is_ours(self, view: FeatureView) -> bool:
        """Whether a view's source is local Parquet, which a log of pushed rows can stand beside; others are Feast's."""
        return view.batch_source is not None and _not_local(self.repo_config, view.batch_source) is None

    def _serve(self, view: FeatureView, taken: Taken, field_mapping: dict[str, str] | None) -> None:
        if isinstance(self.repo_config.online_store, PackedOnlineStoreConfig):
            write_online(self.repo_config, view, taken)
        else:
            super().ingest_df(view, taken.rows.to_pandas(), field_mapping)

    def ingest_df_to_offline_store(self, feature_view: FeatureView, table: pa.Table) -> None:
        """Put pushed records into the log of their source, or into the source itself where the offline store keeps no log.

        Raises:
            QualityError: the records are not what the view says, or from the future; nothing was written.
            StateError: the file system refuses.
        """
        if not self._is_ours(feature_view):
            super().ingest_df_to_offline_store(feature_view, table)
            return
        rows = table.select([name for name in table.column_names if not name.startswith("__index_level_")])
        taken = self._intake.take(self.repo_config, feature_view, rows, "offline")
        if taken.log is None:
            super().ingest_df_to_offline_store(feature_view, taken.form.as_the_source_has_it(taken.rows))

    def get_table_column_names_and_types_from_data_source(self, config: RepoConfig, data_source: DataSource) -> Iterable[tuple[str, str]]:
        """The columns of a source; of one that is being pushed to, those that the pushed frame has.

        Feast refuses a frame that lacks any column of the source, the created time too, after it has served it. What a record must have
        is for :class:`~tradewind_features.pushing.records.RecordForm` to say, and it has the word next.
        """
        pushed = _frame_under_comparison()
        if pushed is not None and _not_local(config, data_source) is None:
            return [(str(name), str(kind)) for name, kind in pushed.dtypes.items()]
        return list(super().get_table_column_names_and_types_from_data_source(config, data_source))

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
        """Bring one view's newest visible rows into the online store; Feast's own way for other sources or stores, and saying so.

        ``start_date`` narrows nothing: what arrived since the last time counts, whatever its event time. ``disable_event_timestamp``
        (Feast: all that there is) offers everything again.
        """
        reason = feasts_own_way(config, feature_view)
        if reason is None:
            with _shown(tqdm_builder) as progress:
                record = materialize_view(config, feature_view, end_date, start_date, whole=disable_event_timestamp, progress=progress)
            self.materialized.append(record)
            return
        began = time.perf_counter()
        with _counted(self.online_store) as rows:
            super().materialize_single_feature_view(
                config, feature_view, start_date, end_date, registry, project, tqdm_builder, disable_event_timestamp
            )
        record = _feasts_record(feature_view, start_date, end_date, sum(rows), reason, time.perf_counter() - began)
        note_feasts_own(config, record)
        self.materialized.append(record)


def feasts_own_way(config: RepoConfig, view: FeatureView | OnDemandFeatureView) -> str | None:
    """Why a view is materialized in Feast's own way, by event time and proto by proto; ``None`` if it is not."""
    if not isinstance(config.online_store, PackedOnlineStoreConfig):
        return f"the online store is {config.online_store.type}"
    if isinstance(view, OnDemandFeatureView | BatchFeatureView | StreamFeatureView) or view.source_views or view.offline:
        return f"a {type(view).__name__} that Feast computes"
    return _not_local(config, view.batch_source)


def _not_local(config: RepoConfig, source: DataSource) -> str | None:
    """Why a source is not local Parquet; ``None`` if it is."""
    try:
        source_location(source, config.repo_path)
    except SettingsError as error:
        return str(error)
    return None


@contextlib.contextmanager
def _shown(tqdm_builder: Callable[[int], Any]) -> Iterator[Progress]:
    """Progress as Feast shows it: a bar that is made when the number of rows is known."""
    bars: list[Any] = []

    def show(done: int, rows: int) -> None:
        if not bars:
            bars.append(tqdm_builder(rows))
        bars[0].update(done - bars[0].n)

    try:
        yield show
    finally:
        for bar in bars:
            bar.close()


@contextlib.contextmanager
def _counted(store: OnlineStore) -> Iterator[list[int]]:
    """The number of rows in each batch that is written to ``store`` meanwhile: Feast's engine does not tell."""
    sizes: list[int] = []
    write = store.online_write_batch

    def counting(config: RepoConfig, table: FeatureView, data: Any, progress: Any) -> None:
        write(config, table, data, progress)
        sizes.append(len(data))

    store.online_write_batch = counting
    try:
        yield sizes
    finally:
        del store.online_write_batch


def _feasts_record(
    view: FeatureView | OnDemandFeatureView, start: dt.datetime, end: dt.datetime, rows: int, reason: str, seconds: float
) -> ViewMaterialization:
    source = getattr(view, "batch_source", None)
    return ViewMaterialization(
        view=view.name,
        spec_digest=spec_digest(view),
        published=source.name if source is not None else "",
        published_digest="",
        from_at=iso(start),
        to_at=iso(end),
        entities=rows,
        rows=rows,
        written=rows,
        expired=0,
        forgotten=0,
        seconds=round(seconds, 3),
        at=iso(Clock().now()),
        scanned=rows,
        offered=rows,
        mode=FEASTS,
        note=reason,
        id=uuid.uuid4().hex[:12],
    )


def _frame_under_comparison() -> pd.DataFrame | None:
    """The frame that Feast's ``write_to_offline_store`` is comparing with its source, in this thread; Feast does not hand it on."""
    comparing = FeatureStore.write_to_offline_store.__code__
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not comparing:
        frame = frame.f_back
    return None if frame is None else frame.f_locals["df"]


def _arrow(view: FeatureView, frame: pd.DataFrame) -> pa.Table:
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException as error:
        raise QualityError(f"push to view {view.name}: a column holds values of several types ({error}); nothing was written") from error
