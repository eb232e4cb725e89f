"""Assets as OpenLineage's datasets: names by its naming rules, and facets of what is known of them.

Files: namespace ``file``, the path without the digest of its content, so that a table keeps its name. Tables that dbt builds: namespace
``duckdb://<file>``, name ``warehouse.<schema>.<table>``, as OpenLineage's dbt integration has it. What is neither (views, versions, aliases,
services): namespace ``tradewind://<world>``, name ``<stage>/<name>``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import attr
import dagster as dg
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    column_lineage_dataset,
    dataset_version_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)

from dagster_project.lib.archives import watched
from dagster_project.lib.generated import service_views, views
from tradewind_contracts.errors import TradewindError
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.lineage import LANDING, ROWS, ColumnGraph, Use

DBT_STAGES = ("staging", "intermediate", "marts", "features", "labels")
VERSION_TAG = "dagster/data_version"
TOLD = ("digest", "reference", "bundle_digest", "training_set", "manifest_digest", "world", "version", "tag", "reused")
"""What of an asset's metadata goes out: digests and names, nothing of any row."""


@attr.define
class TradewindDatasetFacet(DatasetFacet):
    """What we know an output by: digests, the registry's reference, the world. ``facts``: plain values by name (see ``TOLD``)."""

    facts: dict[str, Any]
    _additional_skip_redact: ClassVar[list[str]] = ["facts"]


@dataclass(frozen=True)
class Made:
    """An asset that a step made: its key, metadata (plain values) and data version."""

    asset: dg.AssetKey
    facts: Mapping[str, Any]
    version: str


class Datasets:
    """The datasets of one world. The graph of columns is read when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known = ColumnGraph({})

    def name(self, asset: dg.AssetKey) -> tuple[str, str]:
        """Namespace and name of an asset's dataset."""
        paths, (stage, name) = self._settings.paths, asset.path
        if stage in DBT_STAGES:
            return f"duckdb://{paths.warehouse}", f"{paths.warehouse.stem}.{stage}.{name}"
        files = {
            "archives": watched(self._settings),
            LANDING: paths.landing / name,
            "published": paths.published / ("features" if name.startswith(("ftr_", "lbl_")) else "marts") / name,
            "training_sets": paths.training_sets,
            "scores": paths.scores,
        }
        found = files.get(stage)
        return ("file", str(found)) if found is not None else (f"tradewind://{self._settings.world_name}", f"{stage}/{name}")

    def inputs(self, assets: Iterable[dg.AssetKey]) -> list[InputDataset]:
        """The datasets that a step reads."""
        return [InputDataset(*self.name(asset)) for asset in sorted(assets)]

    def expected(self, assets: Iterable[dg.AssetKey]) -> list[OutputDataset]:
        """The datasets that a step is about to write."""
        return [OutputDataset(*self.name(asset)) for asset in sorted(assets)]

    def output(self, made: Made, inputs: Iterable[dg.AssetKey]) -> OutputDataset:
        """The dataset that a step wrote: schema, rows, version, what its columns are made of."""
        namespace, name = self.name(made.asset)
        facets: dict[str, DatasetFacet] = {"tradewind": TradewindDatasetFacet({key: made.facts[key] for key in TOLD if key in made.facts})}
        if made.version:
            facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(made.version)
        columns = self._columns(made.asset)
        if columns:
            fields = [schema_dataset.SchemaDatasetFacetFields(name=column, type=kind or None) for column, kind in columns.items()]
            facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields)
        lineage = self._column_lineage(made.asset, set(inputs))
        if lineage is not None:
            facets["columnLineage"] = lineage
        rows = made.facts.get("dagster/row_count")
        counted = (
            {"outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=int(rows))}
            if rows is not None
            else {}
        )
        return OutputDataset(namespace, name, facets=facets, outputFacets=counted)

    def _columns(self, asset: dg.AssetKey) -> dict[str, str]:
        """Columns and types of an asset, where they are known; of dbt's tables without types."""
        stage, name = asset.path
        if stage in DBT_STAGES:
            return {node.rpartition(".")[2]: "" for node in self._graph(f"{stage}.{name}").columns_of(f"{stage}.{name}")}
        if stage == "feature_views":
            return {column["name"]: column["type"] for view in views() if view["name"] == name for column in view["columns"]}
        folders = {LANDING: self._settings.paths.landing, "published": self._settings.paths.published}
        if stage not in folders:
            return {}
        half = ("features" if name.startswith(("ftr_", "lbl_")) else "marts") if stage == "published" else ""
        try:
            manifest = Manifest.read(folders[stage] / half)
        except TradewindError:
            return {}
        return dict(manifest.tables[name].columns) if name in manifest.tables else {}

    def _column_lineage(self, asset: dg.AssetKey, inputs: set[dg.AssetKey]) -> column_lineage_dataset.ColumnLineageDatasetFacet | None:
        stage, name = asset.path
        if stage in DBT_STAGES:
            return self._of_sql(f"{stage}.{name}")
        taken = {
            "published": lambda: self._taken_over(asset, inputs),
            "feature_views": lambda: self._taken_over(asset, inputs),
            "training_sets": self._joined,
        }.get(stage)
        return taken() if taken is not None else None

    def _of_sql(self, table: str) -> column_lineage_dataset.ColumnLineageDatasetFacet | None:
        """What dbt's SQL makes each column of, one step back; what decides the rows is said of the whole dataset."""
        graph = self._graph(table)
        fields = {}
        for node in graph.columns_of(table):
            made_of = [(source, use) for source, use in graph.inputs[node].items() if use is not Use.ROWS and not _is_rows(source)]
            found = [self._field(source, use) for source, use in made_of]
            fields[node.rpartition(".")[2]] = column_lineage_dataset.Fields(inputFields=found)
        rows = graph.inputs.get(f"{table}.{ROWS}", {})
        whole = [self._field(source, Use.CONDITION) for source in rows if not _is_rows(source)]
        return column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields, dataset=whole) if fields else None

    def _taken_over(self, asset: dg.AssetKey, inputs: set[dg.AssetKey]) -> column_lineage_dataset.ColumnLineageDatasetFacet | None:
        """Columns that are those of the one input, unchanged."""
        if len(inputs) != 1:
            return None
        namespace, name = self.name(next(iter(inputs)))
        same = {column: [_input(namespace, name, column, "IDENTITY")] for column in self._columns(asset)}
        return column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={column: column_lineage_dataset.Fields(inputFields=found) for column, found in same.items()}
        )

    def _joined(self) -> column_lineage_dataset.ColumnLineageDatasetFacet:
        """The columns ``view__feature`` of a training set: each of its view."""
        fields = {}
        for view in (view for view in views() if view["name"] in service_views()):
            namespace, name = self.name(dg.AssetKey(["feature_views", view["name"]]))
            for column in view["columns"]:
                found = [_input(namespace, name, column["name"], "IDENTITY")]
                fields[f"{view['name']}__{column['name']}"] = column_lineage_dataset.Fields(inputFields=found)
        return column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields)

    def _field(self, node: str, use: Use) -> column_lineage_dataset.InputField:
        schema, table, column = node.split(".", 2)
        namespace, name = self.name(dg.AssetKey([schema, table]))
        return _input(namespace, name, column, None, direct=use is Use.VALUE)

    def _graph(self, table: str) -> ColumnGraph:
        """A graph that knows ``table``, of the world's own source and without waiting for dbt; one without it where there is none yet."""
        from tradewind_lifecycle.lineage.world_graph import compiled_so_far, world_graph

        if table not in self._known.tables:
            found = world_graph(self._settings, may_compile=False)
            self._known = found.graph if found.is_of_world else compiled_so_far(self._settings)
        return self._known


def _is_rows(node: str) -> bool:
    return node.endswith(f".{ROWS}")


def _input(namespace: str, name: str, column: str, subtype: str | None, *, direct: bool = True) -> column_lineage_dataset.InputField:
    """An input column; which of OpenLineage's subtypes a use is (a join, a filter) our graph does not say."""
    how = column_lineage_dataset.Transformation(type="DIRECT" if direct else "INDIRECT", subtype=subtype)
    return column_lineage_dataset.InputField(namespace=namespace, name=name, field=column, transformations=[how])
