"""The declarations of landing tables."""

import pytest

from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.ids import parcel_id, postal_area_id, prefix_lane_id, state_lane_id
from tradewind_contracts.tables import ALWAYS, NEVER, TABLES, Column, Kind, PersonalData, Table, table


def test_every_column_is_known_at_an_instant_of_its_own_row_or_always_or_never() -> None:
    for declared in TABLES.values():
        instants = {c.name for c in declared.columns if c.kind is Kind.INSTANT} | {ALWAYS, NEVER}
        for column in declared.all_columns:
            assert declared.known_at_of(column.name) in instants, f"{declared.name}.{column.name}"


def test_every_reference_meets_a_column_of_the_same_kind() -> None:
    for declared in TABLES.values():
        for reference in declared.references:
            there = table(reference.table).column(reference.to)
            assert declared.column(reference.column).kind is there.kind, f"{declared.name}.{reference.column}"


def test_keys_are_never_null() -> None:
    for declared in TABLES.values():
        assert all(not declared.column(k).nullable for k in declared.key), declared.name


def test_delivery_is_known_when_it_happens_and_status_never() -> None:
    assert table("parcels").known_at_of("delivered_at") == "delivered_at"
    assert table("orders").known_at_of("source_status") == NEVER
    assert table("reviews").known_at_of("score") == "answered_at"


def test_milestones_are_the_instants_that_are_known_when_they_happen() -> None:
    assert set(table("parcels").milestones) == {
        "ordered_at", "approved_at", "handed_over_at", "delivered_at", "cancelled_at", "returned_at",
    }  # fmt: skip


def test_direct_personal_data_stands_in_addresses_alone() -> None:
    # Olist is pseudonymous; a source with names and streets declares them as direct and this list grows knowingly.
    direct = [f"{t.name}.{c.name}" for t in TABLES.values() for c in t.columns if c.personal is PersonalData.DIRECT]
    assert direct == ["addresses.raw_text", "addresses.street", "addresses.house_number", "addresses.unit"]


@pytest.mark.parametrize(
    ("columns", "key", "known_at"),
    [
        ((Column("Id", Kind.STRING, ""),), ("Id",), ALWAYS),
        ((Column("id", Kind.STRING, ""), Column("id", Kind.STRING, "")), ("id",), ALWAYS),
        ((Column("id", Kind.STRING, ""),), ("other",), ALWAYS),
        ((Column("id", Kind.STRING, ""),), ("id",), "seen_at"),
        ((Column("id", Kind.STRING, "", known_at="id"),), ("id",), ALWAYS),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(columns: tuple[Column, ...], key: tuple[str, ...], known_at: str) -> None:
    with pytest.raises(ValueError):
        Table(name="t", domain="commerce", grain="", description="", key=key, known_at=known_at, columns=columns)


def test_a_table_that_is_not_declared_is_named_with_those_that_are() -> None:
    with pytest.raises(NotFoundError, match=r"'scans'.*parcels"):
        table("scans")


def test_ids_are_built_one_way() -> None:
    assert parcel_id("o", "m") == "o:m"
    assert state_lane_id("SP", "RJ") == "SP-RJ"
    assert prefix_lane_id("13023", "22590", 3) == "130-225"
    assert postal_area_id("22590-140") == "22590"
    with pytest.raises(ValueError, match="fewer than 5 digits"):
        postal_area_id("123")
