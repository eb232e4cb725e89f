"""What the features would have been, had nobody known more than was known at an instant: a build on a scratch warehouse.

Each column of a landing table has a known-at, so what landed can be cut at any instant. The SQL that dbt compiled for the world is run on
the cut landing, up to the features and no further; the world itself is left alone. That gives a publication to hold the present one
against where there is none before it.
"""

import contextlib
import datetime as dt
import graphlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import iso
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import ALWAYS, NEVER, TABLES, Table
from tradewind_lifecycle.warehouse import dbt_manifest

SCHEMA = "features"


class NotRebuildableError(StateError):
    """What dbt compiled for the world can't be run on a cut landing: it is absent, or that of an increment."""


@dataclass(frozen=True)
class FeatureModel:
    """What dbt declares of a feature model: the columns that tell its rows (``config.meta.primary_key``), and why rows may be added behind
    what was visible (``config.meta.added_behind``; empty: they may not).
    """

    key: tuple[str, ...]
    added_behind: str = ""


@contextlib.contextmanager
def cut_features(settings: Settings, at: dt.datetime) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a scratch warehouse whose schema ``features`` was built from what was known before ``at`` (zoned).

    Raises:
        StateError: nothing has landed.
        NotRebuildableError: a model's compiled SQL is absent, or that of an increment.
    """
    nodes = json.loads(dbt_manifest(settings).read_text(encoding="utf-8"))["nodes"]
    landing = Manifest.read(settings.paths.landing)
    # dbt's SQL names its database by the file's name.
    with tempfile.TemporaryDirectory(prefix=".cut-", dir=settings.paths.warehouse.parent) as folder:
        path = Path(folder) / settings.paths.warehouse.name
        config = {"threads": settings.threads, "memory_limit": settings.memory_limit}
        with contextlib.closing(duckdb.connect(str(path), config=config)) as connection:
            connection.execute("set TimeZone = 'UTC'; create schema landing")
            for table in TABLES.values():
                landed = landing.tables.get(table.name)
                connection.execute(landing_known_at(table, settings.paths.landing / landed.path if landed else None, at))
            for node in _needed(nodes):
                connection.execute(f"create schema if not exists {node['schema']}")
                _build(connection, node, settings, at)
            yield connection


def feature_models(settings: Settings) -> dict[str, FeatureModel]:
    """The feature models of the world's dbt manifest, by name.

    Raises:
        StateError: dbt has not built this world.
    """
    path = settings.paths.dbt_target / "manifest.json"
    if not path.exists():
        raise StateError(f"{path}: dbt has not built this world; `make run` does")
    nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"].values()
    metas = {
        node["name"]: node["config"].get("meta", {}) for node in nodes if node["resource_type"] == "model" and node["schema"] == SCHEMA
    }
    return {
        name: FeatureModel(tuple(meta.get("primary_key", ())), str(meta.get("added_behind", ""))) for name, meta in sorted(metas.items())
    }


def landing_known_at(table: Table, file: Path | None, at: dt.datetime) -> str:
    """The statement that makes ``landing.<table>`` what was known of it before ``at``: later rows are left out, later columns null."""
    columns = ", ".join(f"cast({_known(table, column.name, at)} as {column.kind.sql}) as {column.name}" for column in table.all_columns)
    if file is None:
        nulls = ", ".join(f"cast(null as {column.kind.sql}) as {column.name}" for column in table.all_columns)
        return f"create view landing.{table.name} as select {nulls} where false"
    rows = "true" if table.known_at == ALWAYS else f"{table.known_at} < timestamptz '{at.isoformat()}'"
    location = str(file).replace("'", "''")
    return f"create view landing.{table.name} as select {columns} from read_parquet('{location}') where {rows}"  # noqa: S608 - names are declared, the path is the manifest's


def _known(table: Table, column: str, at: dt.datetime) -> str:
    known_at = table.known_at_of(column)
    return column if known_at in (ALWAYS, NEVER) else f"case when {known_at} < timestamptz '{at.isoformat()}' then {column} end"


def _needed(nodes: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The feature models and all models that they are built on, each after what it reads."""
    models = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    order = graphlib.TopologicalSorter({name: node["depends_on"]["nodes"] for name, node in models.items()})
    needed: set[str] = set()
    ahead = [name for name, node in models.items() if node["schema"] == SCHEMA]
    while ahead:
        name = ahead.pop()
        if name in models and name not in needed:
            needed.add(name)
            ahead += models[name]["depends_on"]["nodes"]
    return [models[name] for name in order.static_order() if name in needed]


def _build(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], settings: Settings, at: dt.datetime) -> None:
    kind = "view" if node["config"]["materialized"] == "view" else "table"
    try:
        connection.execute(f"create {kind} {node['schema']}.{node['name']} as {_compiled(node, settings)}")
    except FileNotFoundError as error:
        raise NotRebuildableError(
            f"{error.filename}: absent, so {node['name']} can't be built as of {iso(at)}; `make run` compiles it"
        ) from error
    except duckdb.CatalogException as error:
        # What was compiled for an increment reads the table that it extends, which is not here.
        raise NotRebuildableError(
            f"{node['name']}: its compiled SQL can't be run anew as of {iso(at)} ({str(error).splitlines()[0]})"
        ) from error


def _compiled(node: Mapping[str, Any], settings: Settings) -> str:
    path: Path = settings.paths.dbt_target / "compiled" / node["package_name"] / node["original_file_path"]
    return path.read_text(encoding="utf-8")
