"""Days arrive: what takes only the new rows ends with the same tables as a whole build, and no published feature row changes."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tradewind_contracts.manifest import APPENDED_TO, CHANGED_SINCE, Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES
from tradewind_contracts.world import World
from tradewind_lifecycle import builds

INCREMENTAL = {"int_scans_deduplicated", "fct_scans", "fct_parcel_legs"}


def test_only_the_build_after_new_days_takes_what_is_new(arrival: Any) -> None:
    said = ["\n".join(line for line in lines if "incremental models take what changed in" in line) for lines in arrival.said]
    assert "scan_events" in said[1]
    assert (said[0], said[2]) == ("", "")


def test_days_that_arrive_end_with_the_same_tables_as_one_full_build(arrival: Any) -> None:
    differing, rows = {}, {}
    with _attached(arrival) as connection:
        for schema, name in (pair for pair in _tables(connection, "whole") if pair[0] in ("intermediate", "marts")):
            differing[name], rows[name] = _differing(connection, f"{schema}.{name}", "extended", "whole")
    assert len(differing) >= 30
    assert {name: count for name, count in differing.items() if count} == {}
    assert {name for name in INCREMENTAL if not rows[name]} == set()


def test_a_late_scan_orders_its_parcel_anew_and_leaves_the_others(arrival: Any) -> None:
    late = f"""
        select distinct parcel_id from extended.marts.fct_scans
        where known_at >= timestamptz '{arrival.boundary.isoformat()}' and occurred_at < timestamptz '{arrival.boundary.isoformat()}'
    """
    moved = """
        select parcel_id, scan_id from first.marts.fct_scans as before
        inner join extended.marts.fct_scans as after using (parcel_id, scan_id)
        where before.scan_number != after.scan_number
    """
    with _attached(arrival) as connection:
        parcels = {parcel for (parcel,) in connection.execute(late).fetchall()}
        renumbered = {parcel for parcel, _ in connection.execute(moved).fetchall()}
    assert renumbered
    assert renumbered <= parcels


def test_no_feature_row_up_to_the_boundary_of_a_build_changes_when_days_arrive(arrival: Any) -> None:
    with _attached(arrival) as connection:
        names = [f"{schema}.{name}" for schema, name in _tables(connection, "whole") if schema == "features"]
        seen = f"event_timestamp <= timestamptz '{arrival.boundary.isoformat()}'"
        changed, rows = {}, {}
        for name in names:
            # A merchant is taken to have registered before its first order: those that had none yet are absent.
            known = "merchant_id in (select merchant_id from first.features.ftr_merchant__profile)" if "profile" in name else "true"
            changed[name], rows[name] = _differing(connection, name, "first", "extended", f"{seen} and {known}")
        ahead = {name: _count(connection, f"first.{name} where not ({seen})") for name in names}
    assert len(names) >= 12
    assert {name: count for name, count in changed.items() if count} == {}
    assert {name for name in names if not rows[name]} == set()
    assert {name: count for name, count in ahead.items() if count} == {}, "all that the first build published lies up to its boundary"


def test_a_late_fact_changes_only_rows_stamped_after_it(arrival: Any, rebuild: Callable[..., None], tmp_path: Path) -> None:
    """The delivery of one parcel, ordered before the boundary and delivered after it, is taken away."""
    late = f"ordered_at < timestamptz '{arrival.boundary.isoformat()}' and delivered_at > timestamptz '{arrival.boundary.isoformat()}'"

    def fill(connection: duckdb.DuckDBPyConnection) -> None:
        for name, landed in Manifest.read(arrival.settings.paths.landing).tables.items():
            if name in TABLES:
                connection.execute(
                    f"insert into landing.{name} by name from read_parquet('{arrival.settings.paths.landing / landed.path}')"
                )

    def without(connection: duckdb.DuckDBPyConnection) -> None:
        fill(connection)
        one = f"(select min(parcel_id) from landing.parcels where {late})"
        connection.execute(f"update landing.parcels set delivered_at = null where parcel_id = {one}")

    rebuild(tmp_path / "with" / "warehouse.duckdb", arrival.settings, fill)
    rebuild(tmp_path / "without" / "warehouse.duckdb", arrival.settings, without)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for side in ("with", "without"):
            connection.execute(f"attach '{tmp_path / side / 'warehouse.duckdb'}' as \"{side}\" (read_only)")
        known = connection.execute(f'select delivered_at from "with".marts.fct_parcels where {late} order by parcel_id limit 1').fetchone()
        earliest = {name: _earliest(connection, name) for schema, name in _tables(connection, "with") if schema == "features"}
    assert known is not None
    moved = {name: stamp for name, stamp in earliest.items() if stamp is not None}
    assert {"ftr_network__flow_7d", "ftr_state_lane__transit_90d", "ftr_merchant__pace_365d"} <= set(moved)
    assert min(moved.values()) > known[0]


@pytest.mark.parametrize(
    ("change", "since"),
    [
        ("nothing", {}),
        ("later days", {"scan_events": "2024-03-07T00:00:00+00:00", "hubs": builds.ALL}),
        ("another landing", None),
        ("an extension of another landing", None),
        ("another recipe", None),
        ("a build that failed", None),
        ("a damaged note", None),
        ("no warehouse", None),
    ],
)
def test_only_what_extends_a_whole_build_of_the_same_recipe_is_taken_in_parts(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch, change: str, since: dict[str, str] | None
) -> None:
    paths = own_settings.paths
    World(name="w", source="simulator", country="BR", currency="BRL", zone="UTC").write(paths.world_file)
    _land(paths.landing, "a")
    before = Manifest.read(paths.landing).digest
    paths.warehouse.parent.mkdir(parents=True)
    paths.warehouse.write_bytes(b"")
    builds.end(builds.begin(own_settings), own_settings)
    assert builds.changed_since(own_settings) == {}
    facts = {CHANGED_SINCE: {"scan_events": "2024-03-07T00:00:00+00:00", "hubs": None}}
    note = paths.warehouse.parent / "marts.stand.json"
    changes: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "later days": lambda: _land(paths.landing, "b", {APPENDED_TO: before, **facts}),
        "another landing": lambda: _land(paths.landing, "b"),
        "an extension of another landing": lambda: _land(paths.landing, "b", {APPENDED_TO: "else", **facts}),
        "another recipe": lambda: monkeypatch.setattr(builds, "dbt_project_digest", lambda: "else"),
        "a build that failed": lambda: builds.begin(own_settings),
        "a damaged note": lambda: note.write_text(json.dumps(["?"])),
        "no warehouse": lambda: paths.warehouse.unlink(),
    }
    changes[change]()
    assert builds.changed_since(own_settings) == since


def _land(folder: Path, digest: str, facts: dict[str, object] | None = None) -> None:
    table = {"path": "x.parquet", "digest": digest, "rows": 1, "columns": {}}
    Manifest.model_validate({"stage": "landing", "tables": {"orders": table}, "facts": facts or {}}).write(folder)


def _attached(arrival: Any) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("set TimeZone = 'UTC'")
    for side in ("first", "extended", "whole"):
        connection.execute(f"attach '{getattr(arrival, side)}' as {side} (read_only)")
    return connection


def _tables(connection: duckdb.DuckDBPyConnection, side: str) -> list[tuple[str, str]]:
    question = "select schema_name, table_name from duckdb_tables() where database_name = ? order by all"
    return connection.execute(question, [side]).fetchall()


def _differing(connection: duckdb.DuckDBPyConnection, name: str, one: str, other: str, where: str = "true") -> tuple[int, int]:
    """Rows of ``name`` that only one side has, and the rows of the first."""
    a, b = (f"select * from {side}.{name} where {where}" for side in (one, other))
    return _count(connection, f"(({a} except all {b}) union all ({b} except all {a}))"), _count(connection, f"({a})")


def _earliest(connection: duckdb.DuckDBPyConnection, name: str) -> dt.datetime | None:
    """The earliest stamp of a row that only one side has."""
    a, b = (f'select * from "{side}".features.{name}' for side in ("with", "without"))
    found = connection.execute(f"select min(event_timestamp) from (({a} except all {b}) union all ({b} except all {a}))").fetchone()
    stamp: dt.datetime | None = found[0] if found else None
    return stamp


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    found = connection.execute(f"select count(*) from {rows}").fetchone()
    assert found is not None
    return int(found[0])
