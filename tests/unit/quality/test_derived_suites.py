"""Suites follow from the declarations; nothing here loads Great Expectations."""

import datetime as dt

import pytest

from tradewind_contracts.tables import CHANGED_AT, TABLES, Column, Kind, PersonalData, Reference, Table
from tradewind_contracts.verdicts import Severity
from tradewind_quality import Context, columns_needed, suite_for, suites_of

NOON = dt.datetime(2018, 4, 1, 12, tzinfo=dt.UTC)

SHIPMENTS = Table(
    name="shipments",
    domain="logistics",
    grain="one row per shipment",
    description="For this test.",
    key=("shipment_id", "leg"),
    known_at="sent_at",
    columns=(
        Column("shipment_id", Kind.STRING, "It.", nullable=False),
        Column("leg", Kind.INTEGER, "Leg.", nullable=False, least=1),
        Column("sent_at", Kind.INSTANT, "Sent.", nullable=False),
        Column("arrived_at", Kind.INSTANT, "Arrived.", known_at="arrived_at"),
        Column("planned_at", Kind.INSTANT, "Planned when sent."),
        Column("mode", Kind.STRING, "Mode.", allowed=("road", "air")),
        Column("phone", Kind.STRING, "Whom to call.", personal=PersonalData.DIRECT),
    ),
    references=(Reference("shipment_id", "orders", "order_id", mandatory=True), Reference("mode", "modes", "mode")),
)


def test_each_word_of_a_declaration_becomes_a_claim() -> None:
    suite = suite_for(SHIPMENTS)
    assert [claim.text for claim in suite.claims] == [
        "columns and types are the declared ones",
        "there are rows",
        "shipment_id and leg together are unique",
        "shipment_id, leg, sent_at, flags are never null",
        "leg is in [1, ∞]",
        "mode is one of road, air",
        "shipment_id stands in orders.order_id",
        "mode stands in modes.mode, or the row is flagged",
        "changed_at is the newest of sent_at, arrived_at",
        "flags are names joined by semicolons",
        "no milestone lies in the future",
    ]
    assert suite.key == ("shipment_id", "leg")


def test_a_reference_that_is_not_mandatory_and_rows_that_a_young_world_may_lack_are_warnings() -> None:
    warnings = [claim.text for claim in suite_for(SHIPMENTS).claims if claim.severity is Severity.WARNING]
    assert warnings == ["there are rows", "mode stands in modes.mode, or the row is flagged"]
    assert [claim.text for claim in suite_for(TABLES["orders"]).claims if claim.severity is Severity.WARNING] == [
        "destination_postal_area_id stands in postal_areas.postal_area_id, or the row is flagged",
        "address_id stands in addresses.address_id, or the row is flagged",
    ]


def test_direct_personal_data_is_hidden_from_samples() -> None:
    assert suite_for(SHIPMENTS).hidden == {"phone"}


@pytest.mark.parametrize("table", TABLES.values(), ids=str)
def test_every_declared_table_has_a_suite_that_reads_only_declared_columns(table: Table) -> None:
    suites = suites_of("landing", {name: other.schema.names for name, other in TABLES.items()}, Context(NOON, NOON, NOON))
    assert sum(suite.table == table.name for suite in suites) >= 1
    for name, columns in columns_needed(suites).items():
        assert set(columns) <= set(TABLES[name].schema.names), name
    assert CHANGED_AT.name in columns_needed([suite_for(table)])[table.name]


def test_claims_that_compare_with_an_absent_table_are_left_out() -> None:
    alone = suites_of("landing", {"deals": TABLES["deals"].schema.names}, Context(NOON, NOON, NOON))
    assert all(not claim.elsewhere for suite in alone for claim in suite.claims)


def test_ranges_of_features_follow_from_their_names() -> None:
    columns = {"ftr_x": ["merchant_id", "event_timestamp", "created_timestamp", "parcels_count_30d", "late_share_30d"]}
    keys = {"ftr_x": ("merchant_id", "event_timestamp")}
    (suite,) = suites_of("features", columns, Context(NOON, NOON, NOON, keys=keys, lags={"ftr_x": dt.timedelta(hours=1)}))
    texts = [claim.text for claim in suite.claims]
    assert "counts are not negative (parcels_count_30d)" in texts
    assert "shares are in 0 to 1 (late_share_30d)" in texts
    assert "no row is created before its event plus the publication lag of 60 minutes" in texts
    assert "merchant_id and event_timestamp together are unique" in texts


def test_a_mart_that_may_be_empty_is_not_asked_for_rows() -> None:
    columns = {"fct_leads": ["lead_id"], "fct_orders": ["order_id"]}
    suites = suites_of("marts", columns, Context(NOON, NOON, NOON, may_be_empty=frozenset({"fct_leads"})))
    asked = {suite.table for suite in suites for claim in suite.claims if claim.text == "there are rows"}
    assert asked == {"fct_orders"}


def test_samples_of_a_mart_never_show_its_direct_personal_data() -> None:
    context = Context(NOON, NOON, NOON, keys={"dim_addresses": ("address_id",)}, hidden={"dim_addresses": frozenset({"street"})})
    suites = suites_of("marts", {"dim_addresses": ["address_id", "street"], "dim_hubs": ["hub_id"]}, context)
    assert {suite.table: suite.hidden for suite in suites} == {"dim_addresses": {"street"}, "dim_hubs": frozenset()}
