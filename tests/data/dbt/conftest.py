"""One small world of each source, landed and built once for every test of the dbt project."""

import dataclasses
import datetime as dt
import graphlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from observed_world import Observed, write_observed
from olist_archive import write_archive

from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES
from tradewind_lifecycle.warehouse import connect, run_dbt
from tradewind_sources import land


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a world whose landing, marts and features are built."""
    folder = tmp_path_factory.mktemp("dbt")
    planted = write_archive(folder / "archive", orders=600)
    settings = Settings(home=folder / "home", source="olist", threads=2)
    land("olist", planted.path, settings)
    run_dbt("marts", settings)
    run_dbt("features", settings)
    return settings


@dataclasses.dataclass(frozen=True)
class Arrival:
    """A world in which days arrived: its warehouse as built from the days before ``boundary``, then from all days taking only what
    was new (``said``: what dbt's runner said of it), then its marts from the same landing all anew, as they still stand in ``settings``."""

    settings: Settings
    observed: Observed
    boundary: dt.datetime
    first: Path
    extended: Path
    whole: Path
    said: tuple[list[str], ...]


@pytest.fixture(scope="session")
def arrival(tmp_path_factory: pytest.TempPathFactory) -> Arrival:
    """Six days of a marketplace, then six more: late scans of the first six, and lanes that are planned anew, among them."""
    folder = tmp_path_factory.mktemp("arrival")
    observed = write_observed(folder / "simulated", days=12, orders_per_day=10, odd=False)
    settings = Settings(home=folder / "home", source="simulator", threads=2)
    newest = observed.days[5]
    _replan_in_retrospect(observed, newest)
    said: tuple[list[str], ...] = ([], [], [])
    built = []
    for lines, until in zip(said, (newest, None, None), strict=True):
        if len(built) == 2:
            (settings.paths.warehouse.parent / "marts.stand.json").unlink()
        observed.show(until=until)
        land("simulator", observed.path, settings)
        run_dbt("marts", settings, lines.append)
        if len(built) < 2:
            run_dbt("features", settings)
        built.append(folder / f"{len(built)}.duckdb")
        shutil.copy(settings.paths.warehouse, built[-1])
    boundary = dt.datetime.combine(newest + dt.timedelta(days=1), dt.time(), dt.UTC)
    return Arrival(settings, observed, boundary, *built, said)


def _replan_in_retrospect(observed: Observed, newest: dt.date) -> None:
    """The plan of lanes that lands after ``newest`` begins two days sooner: legs that are built already are its legs."""
    for day, rows in observed.files["lanes"].items():
        for row in rows if day > newest else ():
            for name in ("valid_from_at", "valid_until_at"):
                if row[name] is not None and row[name].date() == day:
                    row[name] -= dt.timedelta(days=2)
    observed.write()


@pytest.fixture(scope="session")
def rebuild() -> Callable[..., None]:
    """A function that runs what dbt compiled for a world on another warehouse file, whose landing the caller fills."""

    def run(path: Path, settings: Settings, fill: Callable[[duckdb.DuckDBPyConnection], None], change: Callable[[str], str] = str) -> None:
        path.parent.mkdir(exist_ok=True)
        nodes = json.loads((settings.paths.dbt_target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
        with duckdb.connect(str(path), config={"threads": 2}) as connection:
            connection.execute("set TimeZone = 'UTC'; create schema landing")
            for table in TABLES.values():
                columns = ", ".join(f"{column.name} {column.kind.sql}" for column in table.all_columns)
                connection.execute(f"create table landing.{table.name} ({columns})")
            fill(connection)
            for node in _in_order(nodes):
                compiled = settings.paths.dbt_target / "compiled" / "tradewind" / node["original_file_path"]
                sql = change(compiled.read_text(encoding="utf-8"))
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                connection.execute(f"create schema if not exists {node['schema']}; create {kind} {node['schema']}.{node['name']} as {sql}")

    return run


def _in_order(nodes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    order = graphlib.TopologicalSorter({key: node["depends_on"]["nodes"] for key, node in models.items()}).static_order()
    return [models[key] for key in order if key in models]


@pytest.fixture(scope="session")
def dbt_nodes(built: Settings) -> dict[str, dict[str, object]]:
    """The nodes of dbt's manifest by their unique id."""
    manifest = json.loads((built.paths.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    nodes: dict[str, dict[str, object]] = manifest["nodes"]
    return nodes


@pytest.fixture
def warehouse(built: Settings) -> Callable[[str], list[tuple[object, ...]]]:
    """A function that asks the built warehouse."""

    def ask(sql: str) -> list[tuple[object, ...]]:
        connection: duckdb.DuckDBPyConnection
        with connect(built) as connection:
            return connection.execute(sql).fetchall()

    return ask
