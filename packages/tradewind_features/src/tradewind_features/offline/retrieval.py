"""Feast's retrieval jobs of this store: what was asked, answered whole, as a frame, or slice by slice into Parquet."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage, ValidationReference

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.files import atomic_file, atomic_folder
from tradewind_features.datasets import source_location
from tradewind_features.offline.answering import Description, Question, write_parquet


class ParquetRetrievalJob(RetrievalJob):  # type: ignore[misc]  # Feast ships no types
    """A job whose answer is made when it is asked for, and can be kept as Parquet."""

    def __init__(
        self, repo_path: Path | None, full_feature_names: bool = False, on_demand: list[OnDemandFeatureView] | None = None
    ) -> None:
        self._repo_path = repo_path
        self._full_feature_names = full_feature_names
        self._on_demand = on_demand or []

    @property
    def full_feature_names(self) -> bool:
        """Whether features are named ``view__feature``."""
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """Views whose columns :meth:`to_arrow` computes from the others."""
        return self._on_demand

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """Features, keys and span of the entity rows; a plain reading of a source has none."""
        return None

    def _slices(self) -> Iterator[pa.Table]:
        yield self.to_arrow()

    def to_parquet(self, path: Path | str, allow_overwrite: bool = False) -> int:
        """Write the answer to one Parquet file, atomically, and a slice at a time where no on-demand view needs it whole; gives its rows.

        Raises:
            SavedDatasetLocationAlreadyExists: there is something at ``path``, and it may not be overwritten.
            StateError: the file system refuses; nothing was changed.
        """
        target = Path(path)
        if target.exists() and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=str(target))
        with atomic_file(target) as partial:
            return write_parquet(partial, self._slices())

    def persist(self, storage: SavedDatasetStorage, allow_overwrite: bool = False, timeout: int | None = None) -> None:  # noqa: ARG002 - Feast's signature
        """Keep the answer, on-demand columns too, at a saved dataset's path: a file ``….parquet``, or a folder with one in it.

        Raises:
            SavedDatasetLocationAlreadyExists: there is something at its path, and it may not be overwritten.
            SettingsError: the storage is not local Parquet.
        """
        if not isinstance(storage, SavedDatasetFileStorage):
            raise SettingsError(f"saved dataset: this store keeps local Parquet (SavedDatasetFileStorage), found {type(storage).__name__}")
        target = Path(source_location(storage.to_data_source(), self._repo_path))
        if target.exists() and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=storage.file_options.uri)
        if target.suffix == ".parquet":
            self.to_parquet(target, allow_overwrite=True)
            return
        with atomic_folder(target) as partial:
            write_parquet(partial / "part-00000.parquet", self._slices())


class PointInTimeRetrievalJob(ParquetRetrievalJob):
    """Entity rows with the features that were known at their instants."""

    def __init__(
        self,
        question: Question,
        metadata: RetrievalMetadata,
        repo_path: Path | None,
        full_feature_names: bool,
        on_demand: list[OnDemandFeatureView],
    ) -> None:
        super().__init__(repo_path, full_feature_names, on_demand)
        self._question = question
        self._metadata = metadata

    @property
    def metadata(self) -> RetrievalMetadata:
        """Features, keys and span of the entity rows."""
        return self._metadata

    def describe(self) -> Description:
        """SQL of each join, and once the job ran its rows, bytes and seconds."""
        return self._question.describe()

    def to_sql(self) -> str:
        """SQL of the joins, one view after another."""
        return ";\n\n".join(join.sql for join in self.describe().joins)

    def to_df(self, validation_reference: ValidationReference | None = None, timeout: int | None = None) -> pd.DataFrame:
        """The entity rows exactly as given (numbered from 0), then the features in the order asked, on-demand ones last."""
        answer = self.to_arrow(validation_reference=validation_reference, timeout=timeout)
        given = self._question.rows.to_pandas()
        added = answer.drop_columns([name for name in self._question.rows.columns if name in answer.column_names])
        del answer
        whole: pd.DataFrame = pd.concat([given, added.to_pandas(split_blocks=True, self_destruct=True)], axis=1)
        return whole

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002 - Feast's signature
        return _beside(self._question.rows.to_arrow(), self._question.features())

    def _slices(self) -> Iterator[pa.Table]:
        if self._on_demand:
            yield self.to_arrow()
            return
        given = self._question.rows.to_arrow()
        for chosen, features in self._question.slices():
            yield _beside(given.slice(chosen.start, chosen.stop - chosen.start), features)


class SourceRetrievalJob(ParquetRetrievalJob):
    """Rows of one source as they stand there."""

    def __init__(self, read: Callable[[], pa.Table], sql: Callable[[], str], repo_path: Path | None) -> None:
        super().__init__(repo_path)
        self._read = read
        self._sql = sql

    def to_sql(self) -> str:
        """SQL that chooses the rows."""
        return self._sql()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002 - Feast's signature
        return self._read()


def _beside(given: pa.Table, features: pa.Table) -> pa.Table:
    columns: list[Any] = [*given.columns, *features.columns]
    return pa.table(columns, names=[*given.column_names, *features.column_names])
