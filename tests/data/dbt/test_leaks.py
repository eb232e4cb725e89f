"""Rule 2: a feature row is a function of what was known before its instant."""

import datetime as dt
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import ALWAYS, NEVER, TABLES, Table
from tradewind_lifecycle import warehouse

Rebuild = Callable[..., None]
TRUNCATED_AT = dt.datetime(2018, 2, 1, 12, tzinfo=dt.UTC)
"""A midday inside the synthetic archive's span (2017-09-01 and 240 days on)."""


def test_no_feature_row_changes_when_everything_known_later_is_removed(
    built: Settings, dbt_nodes: dict[str, dict[str, Any]], rebuild: Rebuild, tmp_path: Path
) -> None:
    changed = _changed_rows(built, dbt_nodes, rebuild, tmp_path, str)
    assert len(changed) >= 12
    assert {name: count for name, count in changed.items() if count} == {}


def test_the_guard_notices_features_that_see_their_own_day(
    built: Settings, dbt_nodes: dict[str, dict[str, Any]], rebuild: Rebuild, tmp_path: Path
) -> None:
    def leak(sql: str) -> str:
        return sql.replace("// 86400000000 as integer) + 1)", "// 86400000000 as integer))")

    changed = _changed_rows(built, dbt_nodes, rebuild, tmp_path, leak)
    dynamic = {name for name in changed if "profile" not in name and "location" not in name}
    assert {name for name in dynamic if not changed[name]} == set()


def test_no_late_fact_that_a_sql_unit_test_plants_changes_a_row(built: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = warehouse.dbt_environment(built)
    del environment["DBT_EXCLUDE_RESOURCE_TYPES"]
    environment["DBT_TARGET_PATH"] += "_unit_tests"
    monkeypatch.setattr(warehouse, "dbt_environment", lambda _: environment)
    said: list[str] = []
    assert warehouse._dbt(["test", "--select", "test_type:unit"], built, said.append) == 0, "\n".join(said)
    declared = json.loads((Path(environment["DBT_TARGET_PATH"]) / "manifest.json").read_text(encoding="utf-8"))["unit_tests"]
    assert len(declared) > 10
    assert any(f"PASS={len(declared)} " in line for line in said)


def _changed_rows(
    built: Settings, nodes: dict[str, dict[str, Any]], rebuild: Rebuild, folder: Path, change: Callable[[str], str]
) -> dict[str, int]:
    """For each feature model, rows stamped up to the cut that differ between all data and the data known before the cut."""
    full, cut = folder / "full" / "warehouse.duckdb", folder / "cut" / "warehouse.duckdb"
    features = sorted(node["name"] for node in nodes.values() if node["resource_type"] == "model" and node["schema"] == "features")
    for path, instant in ((full, None), (cut, TRUNCATED_AT)):
        rebuild(path, built, partial(_fill, built, instant), change)
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.execute(f"set TimeZone = 'UTC'; attach '{full}' as whole (read_only); attach '{cut}' as cut (read_only)")
        return {name: _differing(connection, name) for name in features}


def _differing(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    seen = f"event_timestamp <= timestamptz '{TRUNCATED_AT.isoformat()}'"
    if name == "ftr_merchant__profile":
        # A merchant is taken to have registered before its first order: those not known yet are absent, the others must be equal.
        seen += " and merchant_id in (select merchant_id from cut.marts.dim_merchants where first_seen_at is not null)"
    whole, part = (f"select * from {side}.features.{name} where {seen}" for side in ("whole", "cut"))
    found = connection.execute(f"select count(*) from (({whole} except {part}) union all ({part} except {whole}))").fetchone()
    some = connection.execute(f"select count(*) from ({part})").fetchone()
    assert found is not None
    assert some is not None
    assert some[0] > 0, f"{name} has no row to compare"
    return int(found[0])


def _fill(built: Settings, instant: dt.datetime | None, connection: duckdb.DuckDBPyConnection) -> None:
    """What was known before ``instant`` of each landed table."""
    for name, landed in Manifest.read(built.paths.landing).tables.items():
        if name in TABLES:
            connection.execute(_truncated(TABLES[name], built.paths.landing / landed.path, instant))


def _truncated(table: Table, file: Path, instant: dt.datetime | None) -> str:
    if instant is None:
        return f"insert into landing.{table.name} by name from read_parquet('{file}')"
    limit = f"timestamptz '{instant.isoformat()}'"
    columns = []
    for column in table.all_columns:
        known_at = table.known_at_of(column.name)
        kept = known_at in (ALWAYS, NEVER)
        columns.append(column.name if kept else f"case when {known_at} < {limit} then {column.name} end as {column.name}")
    rows = "true" if table.known_at == ALWAYS else f"{table.known_at} < {limit}"
    return f"insert into landing.{table.name} by name select {', '.join(columns)} from read_parquet('{file}') where {rows}"
