"""Entity rows as SQL: what such a query may read, and all that it may not do."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from offline_questions import LIMITS, at, source_rows, written

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_features.datasets import open_path
from tradewind_features.offline.engine import Limits
from tradewind_features.offline.querying import answer_query


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Any]:
    written(tmp_path, source_rows([("m", at(1), at(1), 1), ("n", at(2), at(2), 2)]), "rows.parquet")
    written(tmp_path, source_rows([("x", at(3), at(3), 3)]), "secret.parquet")
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    return {
        "pace rows": lambda: open_path("pace rows", tmp_path / "rows.parquet"),
        "broken": lambda: open_path("broken", tmp_path / "none"),
    }


def test_a_select_reads_the_tables_by_name(tables: dict[str, Any]) -> None:
    found = answer_query(
        'WITH newer AS (SELECT * FROM "pace rows" WHERE a > 1) SELECT k, event AS event_timestamp FROM newer', tables, LIMITS
    )
    assert found.to_pylist() == [{"k": "n", "event_timestamp": at(2)}]
    assert answer_query("SELECT 1 AS one", tables, LIMITS).to_pylist() == [{"one": 1}]


def test_a_table_that_is_not_there_matters_only_to_those_who_name_it(tables: dict[str, Any]) -> None:
    assert answer_query('SELECT count(*) AS n FROM "pace rows"', tables, LIMITS)["n"].to_pylist() == [2]
    with pytest.raises(StateError, match=r"broken.*none"):
        answer_query("SELECT * FROM broken", tables, LIMITS)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{folder}/secret.csv')",
        "SELECT * FROM '{folder}/secret.parquet'",
        "SELECT * FROM read_parquet('{folder}/secret.parquet')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM local_variable",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY (SELECT 1 AS a) TO '{folder}/rows.parquet' (FORMAT parquet)",
        "ATTACH '{folder}/other.db'",
        "CREATE TABLE mine AS SELECT 1",
        'CREATE OR REPLACE VIEW "pace rows" AS SELECT 1',
        'INSERT INTO "pace rows" VALUES (1)',
        'DELETE FROM "pace rows"',
        'DROP VIEW "pace rows"',
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET threads = 64",
        "PRAGMA enable_profiling",
        "EXPORT DATABASE '{folder}/out'",
        "SELECT 1; SELECT 2",
        "SELECT * FROM unknown_table",
        "SELEC 1",
        "",
    ],
)
def test_anything_else_is_refused_and_changes_nothing(query: str, tables: dict[str, Any], tmp_path: Path) -> None:
    local_variable = pa.table({"a": [1]})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SettingsError, match=r"(?s)entity rows \(SQL\).*(pace rows|one SELECT)"):
        answer_query(query.format(folder=tmp_path), tables, LIMITS)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert local_variable.num_rows == 1


def test_a_query_that_needs_more_than_its_memory_spills(tables: dict[str, Any]) -> None:
    query = "SELECT hash(range) AS h, range FROM range(2000000) ORDER BY h LIMIT 1999999"
    assert answer_query(f"SELECT count(*) AS n FROM ({query})", tables, Limits("30MB", 1))["n"].to_pylist() == [1_999_999]
