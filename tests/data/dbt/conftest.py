"""One small synthetic archive, landed and built once for every test of the dbt project."""

import json
from collections.abc import Callable

import duckdb
import pytest
from olist_archive import write_archive

from tradewind_contracts.settings import Settings
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
