"""From Feast's views and references to joins: which columns of which source, under which names; refusals where they don't fit."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from feast import FeatureView
from feast.feature_view import DUMMY_ENTITY_ID

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_features.datasets import Dataset, open_dataset, type_family
from tradewind_features.offline.joining import ViewJoin

_FAMILY = {
    **dict.fromkeys(("INT32", "INT64", "FLOAT", "DOUBLE", "DECIMAL"), "number"),
    "STRING": "text",
    "BOOL": str(pa.bool_()),
    "UNIX_TIMESTAMP": "time",
}
"""Kind of type by Feast's name of a value type; others (lists, bytes, structs) are taken as they come."""


@dataclass(frozen=True)
class SourceColumns:
    """The columns of a view's source by the names that the view gives them (Feast's ``field_mapping`` maps the other way round)."""

    view: str
    dataset: Dataset
    mapped: dict[str, str]

    def __call__(self, name: str) -> str:
        """The source's column for one of the view's names.

        Raises:
            StateError: there is none.
        """
        for column in (self.mapped.get(name, name), name):
            if column in self.dataset.columns:
                return column
        newest = self.dataset.parts[-1].path if self.dataset.parts else self.dataset.location
        raise StateError(
            f"view {self.view}, column {name}: not in {newest} (found: {', '.join(self.dataset.columns)}); "
            "apply the view as its source is now, or write the column"
        )

    def held(self, name: str) -> bool:
        """Whether the source has a column for one of the view's names."""
        return self.mapped.get(name, name) in self.dataset.columns

    def expect(self, name: str, family: str | None) -> str:
        """The source's column, of the kind of type that the view declares.

        Raises:
            StateError: it is absent, or of another kind.
        """
        column = self(name)
        found = type_family(self.dataset.types[column])
        if family is not None and found not in (family, "null"):
            raise StateError(
                f"view {self.view}, column {name}: {found} ({self.dataset.types[column]}) in {self.dataset.parts[-1].path}, "
                f"but the view declares a {family}; apply the view as its source is now, or write the source as declared"
            )
        return column


def source_columns(view: FeatureView, repo_path: Path | None, pushed: Path | None) -> SourceColumns:
    """A view's source, opened.

    Raises:
        SettingsError: the view has no source, or one that is not local Parquet.
        StateError: nothing is there, or it can't be read.
    """
    source = view.batch_source
    if source is None:
        raise SettingsError(f"view {view.name}: it has no source; give it one (FileSource) and apply it")
    try:
        dataset = open_dataset(source, repo_path, pushed)
    except StateError as error:
        raise StateError(f"view {view.name}, source {error}") from error
    except SettingsError as error:
        raise SettingsError(f"view {view.name}, {error}") from error
    return SourceColumns(view.name, dataset, {name: column for column, name in (source.field_mapping or {}).items()})


def plan_join(view: FeatureView, references: Sequence[str], columns: SourceColumns, known_at: bool, full_names: bool) -> ViewJoin:
    """The join of one view for the ``view:feature`` references that name it.

    Raises:
        StateError: the source lacks a column, or holds it in another kind of type.
    """
    source, projection = view.batch_source, view.projection
    asked = projection.name_to_use()
    shown = projection.name_alias or view.name
    names = [name for prefix, _, name in (reference.partition(":") for reference in references) if prefix == asked]
    declared = {field.name: family(field) for field in (*view.features, *view.entity_columns)}
    keys = [column.name for column in view.entity_columns if column.name != DUMMY_ENTITY_ID]
    created = source.created_timestamp_column or None
    return ViewJoin(
        view=shown,
        dataset=columns.dataset,
        keys=tuple((projection.join_key_map.get(key, key), columns.expect(key, declared[key])) for key in keys),
        event=_instants(columns, source.timestamp_field),
        created=_instants(columns, created) if created else None,
        ttl_us=(view.ttl or dt.timedelta()) // dt.timedelta(microseconds=1),
        known_at=known_at,
        features=tuple((f"{shown}__{name}" if full_names else name, columns.expect(name, declared.get(name))) for name in names),
        order=tuple(columns(field.name) for field in sorted(view.features, key=lambda field: field.name) if columns.held(field.name)),
    )


def _instants(columns: SourceColumns, name: str) -> str:
    if not name:
        raise SettingsError(f"view {columns.view}: its source names no timestamp_field; declare it")
    return columns.expect(name, "time")


def family(field: Any) -> str | None:
    """Kind of type that a Feast field declares; ``None`` where any will do."""
    return _FAMILY.get(field.dtype.to_value_type().name)
