"""The public archive, as known on 2018-07-01: every row is accounted for and the dirt is what was measured."""

import datetime as dt
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_sources import LandingReport, land

pytestmark = pytest.mark.olist

Landed = tuple[LandingReport, Settings]


@pytest.fixture(scope="module")
def landed(olist_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    settings = Settings(home=tmp_path_factory.mktemp("olist"), source="olist")
    return land("olist", olist_archive, settings), settings


def test_every_row_of_the_archive_is_accounted_for(landed: Landed) -> None:
    report, settings = landed
    assert {name: (file.source_rows, file.quarantined) for name, file in report.files.items()} == {
        "olist_orders_dataset.csv": (86_617, {}),
        "olist_order_items_dataset.csv": (98_309, {}),
        "olist_customers_dataset.csv": (86_617, {}),
        "olist_order_payments_dataset.csv": (90_661, {}),
        "olist_order_reviews_dataset.csv": (84_601, {"review_creation_date_missing": 18}),
        "olist_geolocation_dataset.csv": (1_000_163, {"outside_brazil": 31}),
        "olist_products_dataset.csv": (32_951, {}),
        "olist_sellers_dataset.csv": (3_095, {}),
        "product_category_name_translation.csv": (71, {}),
        "olist_marketing_qualified_leads_dataset.csv": (8_000, {}),
        "olist_closed_deals_dataset.csv": (722, {}),
    }
    assert Manifest.read(settings.paths.landing).table("quarantine").rows == 49


def test_the_dirt_is_what_was_measured(landed: Landed) -> None:
    report, _ = landed
    expected = {
        ("orders", "handed_over_before_approval"): 679,
        ("orders", "delivered_before_hand_over"): 23,
        ("orders", "order_without_items"): 677,
        ("orders", "several_merchants"): 1_069,
        ("orders", "handed_over_before_order"): 84,
        ("orders", "cancelled_without_instant"): 481,
        ("order_items", "ship_by_far_future"): 4,
        ("payments", "zero_installments"): 2,
        ("payments", "zero_payment"): 6,
        ("products", "no_category"): 610,
        ("products", "untranslated_category"): 13,
        ("postal_areas", "duplicate_point"): 261_827,
        ("merchants", "merchant_not_yet_seen"): 345,
        ("deals", "deal_merchant_unknown"): 354,
        ("reviews", "score_without_answer"): 735,
    }
    assert {(table, flag): report.tables[table].flagged[flag] for table, flag in expected} == expected


def test_landed_rows_and_the_clock(landed: Landed) -> None:
    report, _ = landed
    assert {name: table.landed_rows for name, table in report.tables.items()} == {
        "postal_areas": 19_011,
        "products": 32_951,
        "merchants": 3_095,
        "customers": 83_748,
        "orders": 86_617,
        "order_items": 98_309,
        "payments": 90_661,
        "parcels": 87_064,
        "reviews": 84_583,
        "leads": 8_000,
        "deals": 722,
    }
    assert report.newest_at == dt.datetime(2018, 7, 1, 2, 59, 49, tzinfo=dt.UTC)
    assert report.as_of == dt.datetime(2018, 5, 31, 3, tzinfo=dt.UTC)


def test_money_and_items_are_the_same_by_item_and_by_parcel(landed: Landed) -> None:
    _, settings = landed
    folder = settings.paths.landing
    tables = {name: pq.read_table(folder / Manifest.read(folder).table(name).path) for name in ("order_items", "parcels")}
    for column in ("price", "freight"):
        assert pc.sum(tables["parcels"].column(column)) == pc.sum(tables["order_items"].column(column))
    assert pc.sum(tables["parcels"].column("items_count")).as_py() == tables["order_items"].num_rows
