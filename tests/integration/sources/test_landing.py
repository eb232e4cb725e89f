"""What lands of an archive: rows, types, flags, quarantine, clock."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import olist_archive as made
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.instants import local_midnight, parse_instant
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES
from tradewind_contracts.world import World
from tradewind_sources import land

ZONE = "America/Sao_Paulo"

LANDED = [
    "customers", "deals", "leads", "merchants", "order_items", "orders", "parcels", "payments", "postal_areas", "products", "reviews",
]  # fmt: skip
"""The tables that the Olist data can fill."""


def landed_rows(settings: Settings, table: str) -> list[dict[str, object]]:
    folder = settings.paths.landing
    return pq.read_table(folder / Manifest.read(folder).table(table).path).to_pylist()


def test_every_planted_oddity_is_flagged_exactly_as_often_as_planted(small) -> None:
    flagged = {name: {flag: small.report.tables[name].flagged.get(flag) for flag in flags} for name, flags in small.planted.flagged.items()}
    assert flagged == small.planted.flagged


def test_every_planted_bad_row_is_quarantined_with_its_reason(small) -> None:
    quarantined = {name: file.quarantined for name, file in small.report.files.items() if file.quarantined}
    assert quarantined == small.planted.quarantined


def test_rows_in_are_rows_of_the_files(small) -> None:
    assert {name: file.source_rows for name, file in small.report.files.items()} == small.planted.data_rows


def test_rows_landed_and_quarantined_are_what_the_report_says(small) -> None:
    manifest = Manifest.read(small.settings.paths.landing)
    assert {name: table.landed_rows for name, table in small.report.tables.items()} == {
        name: table.rows for name, table in manifest.tables.items() if name != "quarantine"
    }
    refused = sum(sum(file.quarantined.values()) for file in small.report.files.values())
    assert manifest.table("quarantine").rows == refused == small.rows("quarantine").num_rows


@pytest.mark.parametrize("name", LANDED)
def test_a_landing_table_has_the_declared_types_and_is_ordered_by_its_key(small, name: str) -> None:
    rows = small.rows(name)
    assert rows.schema.remove_metadata().equals(TABLES[name].schema)
    keys = rows.select(list(TABLES[name].key)).to_pylist()
    assert keys == sorted(keys, key=lambda key: tuple(key.values()))
    assert len({tuple(key.values()) for key in keys}) == len(keys)


@pytest.mark.parametrize("name", LANDED)
def test_changed_at_is_the_newest_milestone_of_the_row(small, name: str) -> None:
    for row in small.rows(name).to_pylist():
        known = [row[milestone] for milestone in TABLES[name].milestones if row[milestone] is not None]
        assert row["changed_at"] == (max(known) if known else None)


def test_local_times_land_as_utc(small) -> None:
    source = {row[0]: row for row in small.planted.tables[made.ORDERS]}
    for order in small.rows("orders").slice(0, 50).to_pylist():
        row = source[order["order_id"]]
        assert order["ordered_at"] == parse_instant(row[3], ZONE)
        assert order["promised_at"] == parse_instant(row[7], ZONE)


def test_a_customer_is_a_person_at_the_newest_order(small) -> None:
    people = {row[0]: row[1] for row in small.planted.tables[made.CUSTOMERS]}
    orders = small.rows("orders").to_pylist()
    customers = {row["customer_id"]: row for row in small.rows("customers").to_pylist()}
    by_person: dict[str, list[dict[str, object]]] = {}
    source = {row[0]: people[row[1]] for row in small.planted.tables[made.ORDERS]}
    for order in orders:
        assert order["customer_id"] == source[order["order_id"]]
        by_person.setdefault(order["customer_id"], []).append(order)
    assert set(by_person) == set(customers)
    assert any(len(own) > 1 for own in by_person.values())
    for person, own in by_person.items():
        newest = max(own, key=lambda order: order["ordered_at"])
        assert customers[person]["last_ordered_at"] == newest["ordered_at"]
        assert customers[person]["first_ordered_at"] == min(order["ordered_at"] for order in own)
        assert customers[person]["postal_area_id"] == newest["destination_postal_area_id"]


def test_parcels_are_the_items_of_an_order_and_merchant(small) -> None:
    """An independent count in plain Python."""
    weights = {row["product_id"]: row["weight_g"] for row in small.rows("products").to_pylist()}
    expected: dict[str, list[dict[str, object]]] = {}
    for item in small.rows("order_items").to_pylist():
        expected.setdefault(f"{item['order_id']}:{item['merchant_id']}", []).append(item)
    parcels = {row["parcel_id"]: row for row in small.rows("parcels").to_pylist()}
    assert set(parcels) == set(expected)
    for parcel_id, items in expected.items():
        parts = [weights[item["product_id"]] for item in items]
        parcel = parcels[parcel_id]
        assert parcel["items_count"] == len(items)
        assert parcel["price"] == sum(item["price"] for item in items)
        assert parcel["freight"] == sum(item["freight"] for item in items)
        assert parcel["weight_g"] == (None if None in parts else sum(parts))
        assert parcel["ship_by_at"] == max(item["ship_by_at"] for item in items)


def test_the_weight_of_a_parcel_is_unknown_where_one_of_its_items_is(tiny: Callable[..., made.Planted], own_settings: Settings) -> None:
    planted = tiny()
    item = planted.tables[made.ITEMS][0]
    planted.tables[made.PRODUCTS].append(["unweighed", "beleza_saude", "1", "1", "1", "", "10", "10", "10"])
    planted.tables[made.ITEMS].append([item[0], "7", "unweighed", *item[3:]])
    made.write_tables(planted.path, planted.tables)
    land("olist", planted.path, own_settings)
    parcel = next(row for row in landed_rows(own_settings, "parcels") if row["parcel_id"] == f"{item[0]}:{item[3]}")
    assert parcel["weight_g"] is None
    assert parcel["volume_cm3"] > 1000
    assert parcel["flags"] == "no_weight"


def test_a_postal_area_lies_at_the_median_of_its_points(small) -> None:
    points: dict[str, set[tuple[str, ...]]] = {}
    for row in small.planted.tables[made.GEOLOCATION]:
        if row[3] != "porto":
            points.setdefault(row[0], set()).add(tuple(row))
    areas = small.rows("postal_areas").to_pylist()
    assert {area["postal_area_id"] for area in areas} == set(points)
    for area in areas:
        lats = sorted(float(row[1]) for row in points[area["postal_area_id"]])
        middle = len(lats) // 2
        assert area["lat"] == pytest.approx(lats[middle] if len(lats) % 2 else (lats[middle - 1] + lats[middle]) / 2)
        assert area["points_count"] == len(lats)


def test_a_merchant_is_known_since_its_first_order(small) -> None:
    items = small.rows("order_items")
    first = pa.TableGroupBy(items, "merchant_id").aggregate([("ordered_at", "min")]).to_pylist()
    expected = {row["merchant_id"]: row["ordered_at_min"] for row in first}
    seen = {row["merchant_id"]: row["first_seen_at"] for row in small.rows("merchants").to_pylist()}
    assert {merchant: at for merchant, at in seen.items() if at is not None} == expected
    assert None in seen.values()


def test_what_customers_wrote_never_leaves_the_archive(small) -> None:
    for name in Manifest.read(small.settings.paths.landing).tables:
        for column in small.rows(name).columns:
            if pa.types.is_string(column.type):
                assert not pc.any(pc.match_substring_regex(column, "recomendo|linha um")).as_py()
    kept = small.rows("reviews").column("has_message").to_pylist()
    assert True in kept
    assert False in kept


def test_the_quarantine_shows_the_row_as_it_was(small) -> None:
    rows = [row for row in small.rows("quarantine").to_pylist() if row["reason"] == "price_unreadable"]
    assert len(rows) == 1
    at = rows[0]["source_row"]
    source = small.planted.tables[made.ITEMS][at - 1]
    assert json.loads(rows[0]["row_json"]) == dict(zip(made.HEADERS[made.ITEMS], source, strict=True))
    assert rows[0]["table"] == "order_items"
    assert rows[0]["source_file"] == made.ITEMS


def test_of_rows_with_one_key_the_first_is_kept(tiny: Callable[..., made.Planted], own_settings: Settings, tmp_path: Path) -> None:
    planted = tiny()
    again = list(planted.tables[made.ORDERS][0])
    again[7] = "2018-12-24 00:00:00"
    planted.tables[made.ORDERS].append(again)
    made.write_tables(planted.path, planted.tables)
    report = land("olist", planted.path, own_settings)
    assert report.files[made.ORDERS].quarantined == {"duplicate_key": 1}
    rows = landed_rows(own_settings, "orders")
    kept = next(row for row in rows if row["order_id"] == again[0])
    assert kept["promised_at"] == parse_instant(planted.tables[made.ORDERS][0][7], ZONE)


def test_a_promise_in_the_future_is_a_plan_and_a_delivery_there_is_not(tiny: Callable[..., made.Planted], own_settings: Settings) -> None:
    planted = tiny()
    promised, delivered = planted.tables[made.ORDERS][:2]
    promised[7] = delivered[6] = "2999-01-01 00:00:00"
    made.write_tables(planted.path, planted.tables)
    report = land("olist", planted.path, own_settings)
    assert report.files[made.ORDERS].quarantined == {"in_the_future": 1}
    kept = {row["order_id"]: row["promised_at"] for row in landed_rows(own_settings, "orders")}
    assert kept[promised[0]] == parse_instant("2999-01-01", ZONE)
    assert delivered[0] not in kept
    # What belongs to the refused order goes with it.
    assert report.files[made.PAYMENTS].quarantined == {"unknown_order": 1}


def test_the_layout_of_the_data_does_not_change_what_lands(tmp_path: Path) -> None:
    digests = []
    for name, packed in (("zips", True), ("files", False)):
        planted = made.write_archive(tmp_path / name, orders=60, merchants=6, days=60, plant=made.clean(), packed=packed)
        settings = Settings(home=tmp_path / f"home_{name}", source="olist")
        land("olist", planted.path, settings)
        digests.append(Manifest.read(settings.paths.landing).digest)
    single = Settings(home=tmp_path / "home_single", source="olist")
    land("olist", tmp_path / "zips" / made.COMMERCE_ZIP, single)
    digests.append(Manifest.read(single.paths.landing).digest)
    assert len(set(digests)) == 1


def test_without_the_funnel_leads_and_deals_are_skipped_with_a_clear_line(
    tiny: Callable[..., made.Planted], own_settings: Settings
) -> None:
    messages: list[str] = []
    report = land("olist", tiny(funnel=False).path, own_settings, messages.append)
    assert {"leads", "deals"} <= set(report.skipped)
    assert "leads: skipped, there is no marketing-funnel-olist.zip beside the orders" in messages
    assert not {"leads", "deals"} & set(Manifest.read(own_settings.paths.landing).tables)


def test_tables_that_the_source_has_no_data_for_are_skipped_with_one_line_each(small) -> None:
    assert set(small.report.skipped) == set(TABLES) - set(LANDED)
    for name in small.report.skipped:
        assert small.messages.count(f"{name}: skipped, the source olist has none") == 1
        assert name not in Manifest.read(small.settings.paths.landing).tables


def test_columns_that_the_source_does_not_give_are_null(small) -> None:
    for table, column in (("orders", "address_id"), ("order_items", "subsidy"), ("parcels", "returned_at"), ("parcels", "warehouse_id")):
        assert small.rows(table).column(column).null_count == small.rows(table).num_rows


def test_the_clock_stands_thirty_days_before_the_newest_row_at_the_start_of_a_local_day(small) -> None:
    world = World.read(small.settings.paths.world_file)
    assert world.clock.at == small.report.as_of
    assert (world.country, world.currency, world.zone) == ("BR", "BRL", ZONE)
    assert local_midnight(small.report.as_of, ZONE) == small.report.as_of
    assert dt.timedelta(days=30) <= small.report.newest_at - small.report.as_of < dt.timedelta(days=31)


def test_progress_names_each_file_and_what_was_refused(small) -> None:
    for name, rows in small.planted.data_rows.items():
        assert f"{name}: {rows:,} rows" in small.messages
    assert f"{made.ORDERS}: quarantined 3 duplicate_key, 2 in_the_future" in small.messages
