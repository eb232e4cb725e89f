"""What lands of a simulated world: versions, types, flags, quarantine, accounts, clock."""

import datetime as dt
import decimal
import json
from dataclasses import dataclass
from pathlib import Path

import observed_world as made
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES, Kind, PersonalData
from tradewind_contracts.world import World
from tradewind_sources import LandingReport, land

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Landed:
    """A simulated world's landing and where it stands."""

    observed: made.Observed
    report: LandingReport
    settings: Settings
    messages: list[str]

    def rows(self, table: str) -> pa.Table:
        """The landing table ``table``."""
        return landed_rows(self.settings, table)


def landed_rows(settings: Settings, table: str) -> pa.Table:
    folder = settings.paths.landing
    return pq.read_table(folder / Manifest.read(folder).table(table).path)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    folder = tmp_path_factory.mktemp("simulated")
    observed = made.write_observed(folder / "data")
    settings = Settings(home=folder / "home", source="simulator")
    messages: list[str] = []
    return Landed(observed, land("simulator", observed.path, settings, messages.append), settings, messages)


@pytest.fixture
def clean(tmp_path: Path) -> made.Observed:
    """A small world without dirt or oddities, for the test to change."""
    return made.write_observed(tmp_path / "data", days=4, orders_per_day=5, dirty=False, odd=False)


@pytest.fixture
def simulator_settings(home: Path) -> Settings:
    return Settings(home=home, source="simulator")


@pytest.mark.parametrize("name", sorted(TABLES))
def test_each_planted_junk_row_is_quarantined_under_its_reason(landed: Landed, name: str) -> None:
    assert landed.report.tables[name].quarantined == landed.observed.dirt[name]
    found = landed.rows("quarantine").to_pylist()
    assert len([row for row in found if row["table"] == name]) == sum(landed.observed.dirt[name].values())


def test_every_kind_of_reason_is_planted_somewhere(landed: Landed) -> None:
    reasons = {reason for planted in landed.observed.dirt.values() for reason in planted}
    for kind in ("_missing", "_out_of_range", "_not_allowed", "duplicate_key", "unknown_", "in_the_future"):
        assert any(kind in reason for reason in reasons)


def test_oddities_are_kept_and_flagged_exactly_as_often_as_planted(landed: Landed) -> None:
    flagged = {name: table.flagged for name, table in landed.report.tables.items() if table.flagged}
    assert flagged == landed.observed.flagged
    assert {"orders", "parcels", "scan_events"} <= set(flagged)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_newest_version_of_each_row_lands_as_it_was_written(landed: Landed, name: str) -> None:
    money = {column.name for column in TABLES[name].columns if column.kind is Kind.MONEY}
    expected = {
        key: {c: decimal.Decimal(v).scaleb(-2) if c in money and v is not None else v for c, v in row.items()}
        for key, row in landed.observed.landed(name).items()
    }
    columns = [column.name for column in TABLES[name].columns]
    found = {tuple(row[k] for k in TABLES[name].key): {c: row[c] for c in columns} for row in landed.rows(name).to_pylist()}
    assert found == {key: {c: row[c] for c in columns} for key, row in expected.items()}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_landing_table_has_the_declared_types_and_is_ordered_by_its_key(landed: Landed, name: str) -> None:
    rows = landed.rows(name)
    assert rows.schema.remove_metadata().equals(TABLES[name].schema)
    keys = [tuple(key.values()) for key in rows.select(list(TABLES[name].key)).to_pylist()]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_changed_at_is_the_newest_milestone_of_the_row(landed: Landed, name: str) -> None:
    for row in landed.rows(name).to_pylist():
        known = [row[milestone] for milestone in TABLES[name].milestones if row[milestone] is not None]
        assert row["changed_at"] == (max(known) if known else None)


def test_used_rows_are_versions_and_the_rest_was_merged(landed: Landed) -> None:
    for name, table in landed.report.tables.items():
        written = sum(len(rows) for rows in landed.observed.files[name].values())
        assert table.source_rows == written
        assert table.used_rows == written - sum(landed.observed.dirt[name].values())
    parcels = landed.report.tables["parcels"]
    assert parcels.used_rows > 1.3 * parcels.landed_rows
    assert landed.report.files[parcels.made_from].source_rows == parcels.source_rows


def test_the_quarantine_shows_the_row_but_nothing_directly_personal(landed: Landed) -> None:
    refused = landed.rows("quarantine").to_pylist()
    assert [(row["source_file"], row["source_row"]) for row in refused] == sorted(
        (row["source_file"], row["source_row"]) for row in refused
    )
    row = next(r for r in refused if r["table"] == "addresses" and r["reason"] == "unknown_customer_id")
    day = dt.date.fromisoformat(Path(row["source_file"]).stem)
    written = landed.observed.files["addresses"][day][row["source_row"] - 1]
    shown = json.loads(row["row_json"])
    assert shown["customer_id"] == written["customer_id"] == "nobody"
    assert shown["written_at"] == written["written_at"].strftime("%Y-%m-%d %H:%M:%S")
    direct = {column.name for column in TABLES["addresses"].columns if column.personal is PersonalData.DIRECT}
    assert direct
    assert not direct & set(shown)


def test_the_world_is_the_one_of_the_manifest(landed: Landed) -> None:
    world = World.read(landed.settings.paths.world_file)
    assert (world.source, world.country, world.currency, world.zone) == ("simulator", "BR", "BRL", "America/Sao_Paulo")
    # Eight days hold no thirty before the newest row.
    assert world.clock.at == landed.report.as_of == landed.report.first_at
    newest = max(row["changed_at"] for name in ("orders", "parcels") for row in landed.rows(name).to_pylist())
    assert landed.report.newest_at == newest


def test_progress_names_each_table_and_what_was_refused(landed: Landed) -> None:
    for name, files in landed.observed.files.items():
        assert f"{name}: {sum(map(len, files.values())):,} rows in {len(files)} files" in landed.messages
    assert any(line.startswith("observed/reviews: quarantined ") for line in landed.messages)


def test_a_row_may_refer_only_to_what_is_known_by_the_end_of_its_day(clean: made.Observed, simulator_settings: Settings) -> None:
    first, second = clean.days[:2]
    later = clean.files["parcels"][second][-1]["parcel_id"]
    assert later not in {row["parcel_id"] for row in clean.files["parcels"][first]}
    scans = clean.files["scan_events"]
    early = dict(scans[min(scans)][0], scan_id="early", parcel_id=later, recorded_at=dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC))
    scans.setdefault(first, []).append(early)
    scans[second].append(dict(early, scan_id="in time", recorded_at=early["recorded_at"] + DAY))
    clean.write()
    report = land("simulator", clean.path, simulator_settings)
    assert report.tables["scan_events"].quarantined == {"unknown_parcel_id": 1}
    assert "in time" in landed_rows(simulator_settings, "scan_events").column("scan_id").to_pylist()


def test_what_belongs_to_a_refused_row_goes_with_it(clean: made.Observed, simulator_settings: Settings) -> None:
    order = clean.files["orders"][clean.days[1]][0]["order_id"]
    for rows in clean.files["orders"].values():
        for row in rows:
            if row["order_id"] == order:
                row["customer_id"] = None
    clean.write()
    report = land("simulator", clean.path, simulator_settings)
    assert report.tables["orders"].quarantined["customer_id_missing"] >= 1
    assert report.tables["payments"].quarantined == {"unknown_order_id": 1}
    assert report.tables["scan_events"].quarantined.get("unknown_parcel_id", 0) == len(
        [row for rows in clean.files["scan_events"].values() for row in rows if row["parcel_id"].startswith(order)]
    )


def test_of_rows_with_one_key_in_a_file_the_first_is_kept(clean: made.Observed, simulator_settings: Settings) -> None:
    day = clean.days[-1]
    row = clean.files["claims"].setdefault(day, []) or None
    parcel = clean.files["parcels"][day][0]
    claim = {
        "claim_id": "claim-x", "parcel_id": parcel["parcel_id"], "order_id": parcel["order_id"], "kind": "damaged",
        "opened_at": dt.datetime(day.year, day.month, day.day, 9, tzinfo=dt.UTC), "resolved_at": None, "resolution": None, "refund": None,
    }  # fmt: skip
    clean.files["claims"][day] = [*(row or []), claim, dict(claim, kind="wrong_item")]
    clean.write()
    report = land("simulator", clean.path, simulator_settings)
    assert report.tables["claims"].quarantined == {"duplicate_key": 1}
    kept = [row for row in landed_rows(simulator_settings, "claims").to_pylist() if row["claim_id"] == "claim-x"]
    assert [row["kind"] for row in kept] == ["damaged"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"state": None, "lat": 200.0, "level": "cosmic"}, "state_missing"),
        ({"lat": 200.0, "level": "cosmic", "hub_id": "hub-br"}, "lat_out_of_range"),
        ({"level": "cosmic", "hub_id": "hub-br"}, "level_not_allowed"),
        ({"hub_id": "hub-br", "opened_at": dt.datetime(2099, 1, 1, tzinfo=dt.UTC)}, "duplicate_key"),
    ],
)
def test_of_several_reasons_the_first_in_their_order_names_the_row(
    clean: made.Observed, simulator_settings: Settings, broken: dict[str, object], reason: str
) -> None:
    rows = clean.files["hubs"][clean.days[0]]
    rows.append({**rows[0], "hub_id": "another", **broken})
    clean.write()
    assert land("simulator", clean.path, simulator_settings).tables["hubs"].quarantined == {reason: 1}


def test_a_row_that_refers_to_nothing_and_lies_ahead_refers_to_nothing(clean: made.Observed, simulator_settings: Settings) -> None:
    rows = clean.files["warehouses"][clean.days[0]]
    rows.append({**rows[0], "warehouse_id": "another", "hub_id": "nobody", "closed_at": dt.datetime(2099, 1, 1, tzinfo=dt.UTC)})
    clean.write()
    assert land("simulator", clean.path, simulator_settings).tables["warehouses"].quarantined == {"unknown_hub_id": 1}


def test_a_milestone_at_the_end_of_the_day_lies_ahead_and_a_plan_may(clean: made.Observed, simulator_settings: Settings) -> None:
    first = clean.days[0]
    midnight = dt.datetime.combine(first + DAY, dt.time(), tzinfo=dt.UTC)
    rows = clean.files["warehouses"][first]
    rows.append({**rows[0], "warehouse_id": "too late", "closed_at": midnight})
    rows.append({**rows[0], "warehouse_id": "in time", "closed_at": midnight - dt.timedelta(microseconds=1)})
    clean.files["orders"][first][0]["promised_at"] = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    clean.write()
    report = land("simulator", clean.path, simulator_settings)
    assert report.tables["warehouses"].quarantined == {"in_the_future": 1}
    assert report.tables["orders"].quarantined == {}


def test_a_refused_version_leaves_the_one_before(clean: made.Observed, simulator_settings: Settings) -> None:
    newest = clean.days[-1]
    row = next(rows[0] for day, rows in sorted(clean.files["products"].items()) if day < newest)
    clean.files["products"].setdefault(newest, []).append(dict(row, weight_g=-1))
    clean.write()
    land("simulator", clean.path, simulator_settings)
    kept = next(r for r in landed_rows(simulator_settings, "products").to_pylist() if r["product_id"] == row["product_id"])
    assert kept["weight_g"] > 0


def test_a_number_that_is_none_is_out_of_range(clean: made.Observed, simulator_settings: Settings) -> None:
    rows = clean.files["hubs"][clean.days[0]]
    rows.append(dict(rows[0], hub_id="nowhere", lat=float("nan")))
    clean.write()
    assert land("simulator", clean.path, simulator_settings).tables["hubs"].quarantined == {"lat_out_of_range": 1}


def test_a_table_without_files_is_skipped_with_a_clear_line(clean: made.Observed, simulator_settings: Settings) -> None:
    clean.show_files([(table, day) for table, files in clean.files.items() for day in files if table != "outreach"])
    messages: list[str] = []
    report = land("simulator", clean.path, simulator_settings, messages.append)
    assert set(report.skipped) == {"outreach", *(table for table, files in clean.files.items() if not files)}
    assert "outreach: skipped, the manifest of data/observed names no file of it" in messages
    assert "outreach" not in Manifest.read(simulator_settings.paths.landing).tables


def test_files_that_the_manifest_does_not_name_are_not_there(clean: made.Observed, simulator_settings: Settings) -> None:
    whole = land("simulator", clean.path, simulator_settings)
    (clean.folder / "orders" / "2024-02-29.parquet").write_bytes(b"of a run that was interrupted")
    again = Settings(home=simulator_settings.home.parent / "again", source="simulator")
    assert land("simulator", clean.folder, again) == whole  # the folder `observed` itself is accepted too


def test_threads_and_memory_do_not_change_a_byte(tmp_path: Path) -> None:
    observed = made.write_observed(tmp_path / "data", days=5, orders_per_day=12)
    found = []
    for run, (threads, memory) in enumerate(((1, "2GB"), (2, "2GB"), (2, "200MB"))):
        settings = Settings(home=tmp_path / f"home{run}", source="simulator", threads=threads, memory_limit=memory)
        land("simulator", observed.path, settings)
        found.append(Manifest.read(settings.paths.landing).tables)
    assert found[0] == found[1] == found[2]
