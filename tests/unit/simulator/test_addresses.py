"""Addresses: true places, written forms with typed edits, and what is carried from day to day."""

import numpy as np
import pyarrow as pa
import pytest
from bare_world import bare_world
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradewind_contracts.tables import TABLES
from tradewind_simulator.mechanisms.places import addresses as module
from tradewind_simulator.mechanisms.places.address_forms import EDITS, Edit, EditParameters, misread, mistyped
from tradewind_simulator.mechanisms.places.addresses import VERSIONS, Addresses, AddressesParameters
from tradewind_simulator.mechanisms.places.geography import Geography, GeographyParameters, great_circle_km

COUNT = 20_000
PARAMETERS = AddressesParameters()
PARTS = ("street", "house_number", "unit", "neighbourhood", "city", "state", "postal_code")


def addresses_of(world, **parameters):
    return Addresses(AddressesParameters(**parameters), world, Geography(GeographyParameters(), world))


def orders(addresses, count=COUNT, seed=1, day=0):
    draw = np.random.default_rng(seed)
    geography = addresses._geography
    areas = draw.choice(len(geography.area_ids), count, p=geography.area_weight).astype(np.int64)
    return np.arange(count, dtype=np.int64) * 7, areas, addresses._surroundings.days.start(day) + draw.integers(0, 86_400, count)


class Written:
    """What a world wrote about one order of each of many customers."""

    def __init__(self, **parameters):
        self.world = bare_world()
        self.addresses = addresses_of(self.world, **parameters)
        self.customers, self.areas, self.at = orders(self.addresses)
        self.numbers = self.addresses.of(self.customers, self.areas, self.at)
        rows, truth = self.world.exports.waiting()["addresses"], self.world.truth.told("addresses")
        self.rows, self.truth = rows.sort_by("address_id"), truth.sort_by("address_id")
        self.edits = np.array(self.truth.column("edits").to_pylist())

    def has(self, edit):
        return np.array([edit in edits.split(";") for edits in self.edits])

    def differs(self, part):
        return np.array(self.rows.column(part).to_pylist(), dtype=object) != np.array(self.truth.column(part).to_pylist(), dtype=object)


@pytest.fixture(scope="module")
def written():
    return Written()


def only(name, **effect):
    none = {edit: Edit(share=0.0, logit=0.0) for edit in EDITS}
    return EditParameters(**{**none, name: Edit(share=1.0, **{"logit": 0.0, **effect})})


def test_rows_have_the_declared_columns_and_true_ones_the_same_keys(written):
    assert set(written.rows.column_names) == {column.name for column in TABLES["addresses"].columns} | {"_at_seconds"}
    assert written.rows.column("address_id").to_pylist() == written.truth.column("address_id").to_pylist()
    assert written.rows.num_rows == COUNT
    for column in TABLES["addresses"].columns:
        if not column.nullable:
            assert written.rows.column(column.name).null_count == 0


def test_edits_come_at_their_rates(written):
    is_flat = written.addresses.is_flat(np.arange(COUNT) * 7 * VERSIONS).mean()
    assert is_flat == pytest.approx(PARAMETERS.flats_share, abs=0.01)
    for edit in EDITS:
        share = PARAMETERS.edits.of(edit).share * (is_flat if edit == "dropped_unit" else 1)
        assert written.has(edit).mean() == pytest.approx(share, rel=0.2), edit


def test_a_city_that_is_a_neighbourhood_is_not_swapped_as_well():
    most = {edit: Edit(share=0.5, logit=0.0) for edit in EDITS}
    mixed = Written(edits=EditParameters(**most))
    assert not (mixed.has("swapped_parts") & mixed.has("neighbourhood_as_city")).any()
    assert mixed.rows.column("street").null_count == 0


def test_what_has_no_edit_is_written_as_it_is_and_what_has_one_is_not(written):
    clean = written.edits == ""
    changed = np.any([written.differs(part) for part in PARTS], axis=0)
    assert clean.mean() > 0.6
    assert not changed[clean].any()
    assert changed[~clean].all()


@pytest.mark.parametrize(
    ("edit", "parts"),
    [
        ("typo", {"street"}),
        ("ocr", {"street", "house_number"}),
        ("dropped_unit", {"unit"}),
        ("abbreviation", {"street", "unit"}),
        ("swapped_parts", {"street", "neighbourhood"}),
        ("wrong_postal_code", {"postal_code"}),
        ("neighbourhood_as_city", {"neighbourhood", "city"}),
    ],
)
def test_an_edit_changes_its_own_parts_and_no_others(written, edit, parts):
    alone = written.edits == edit
    assert alone.sum() > 50
    assert {part for part in PARTS if written.differs(part)[alone].any()} == parts


def test_a_flat_whose_unit_is_dropped_says_none_and_swapped_parts_stand_crosswise(written):
    dropped = written.has("dropped_unit")
    assert all(unit is None for unit in np.array(written.rows.column("unit").to_pylist(), dtype=object)[dropped])
    swapped = pa.array(written.edits == "swapped_parts")
    assert written.rows.filter(swapped).column("street").equals(written.truth.filter(swapped).column("neighbourhood"))
    assert written.rows.filter(swapped).column("neighbourhood").equals(written.truth.filter(swapped).column("street"))


def test_a_postal_code_begins_with_its_area_and_a_wrong_one_is_told_by_what_is_written(written):
    code, area = written.truth.column("postal_code").to_pylist(), written.truth.column("postal_area_id").to_pylist()
    assert all(text[:5] == prefix and text[5] == "-" and len(text) == 9 for text, prefix in zip(code, area, strict=True))
    said = written.rows.column("postal_code").to_pylist()
    assert [text[:5] for text in said] == written.rows.column("postal_area_id").to_pylist()
    known = set(written.addresses._geography.area_ids)
    wrong = np.flatnonzero(written.has("wrong_postal_code"))
    assert 0.4 < np.mean([said[k][:5] in known for k in wrong]) < 0.9
    assert all(said[k][:5] in known for k in np.flatnonzero(~written.has("wrong_postal_code")))


def test_the_raw_text_holds_all_parts_in_one_line(written):
    for row in written.rows.slice(0, 500).to_pylist():
        for part in PARTS:
            assert row[part] is None or row[part] in row["raw_text"]
        assert "None" not in row["raw_text"]
        assert "\n" not in row["raw_text"]


def test_the_true_place_lies_near_its_area(written):
    geography = written.addresses._geography
    position = geography.positions(np.array([int(area) for area in written.truth.column("postal_area_id").to_pylist()]))
    away = great_circle_km(
        written.truth.column("lat").to_numpy(),
        written.truth.column("lng").to_numpy(),
        geography.area_lat[position],
        geography.area_lng[position],
    )
    far = geography.area_is_outskirts[position]
    assert away[~far].max() < PARAMETERS.area_km + PARAMETERS.street_km + 0.05
    assert 1 < away[far].mean() < PARAMETERS.outskirts_km


def test_the_effect_of_edits_is_the_planted_one_and_abbreviation_harmless(written):
    planted = written.truth.column("failure_logit").to_numpy()
    numbers = np.array([int(text[1:]) for text in written.truth.column("address_id").to_pylist()], dtype=np.int64)
    assert np.array_equal(written.addresses.failure_logit(numbers), planted)
    assert not planted[np.isin(written.edits, ["", "abbreviation"])].any()
    for edit in EDITS:
        assert planted[written.edits == edit] == pytest.approx(PARAMETERS.edits.of(edit).logit)
    both = written.has("typo") & written.has("wrong_postal_code")
    assert (planted[both] >= PARAMETERS.edits.typo.logit + PARAMETERS.edits.wrong_postal_code.logit - 1e-9).all()


@pytest.mark.parametrize("settled_from", [10, 4_096])
def test_an_address_is_written_once_with_its_first_order(monkeypatch, settled_from):
    monkeypatch.setattr(module, "_SETTLED_FROM", settled_from)
    world = bare_world()
    addresses = addresses_of(world, written_again_share=0.0)
    customers, areas, at = orders(addresses, 300)
    twice = np.concatenate([customers, customers]), np.concatenate([areas, areas]), np.concatenate([at + 50, at])
    first = addresses.of(*twice)
    assert np.array_equal(first[:300], first[300:])
    for day in range(1, 4):
        assert np.array_equal(addresses.of(customers, areas, at + day * 86_400), first[:300])
    rows = world.exports.waiting()["addresses"]
    assert rows.num_rows == world.truth.told("addresses").num_rows == 300
    assert sorted(rows.column("_at_seconds").to_pylist()) == sorted(at.tolist())


def test_a_customer_who_moves_writes_another_address_and_finds_the_first_again():
    world = bare_world()
    addresses = addresses_of(world, written_again_share=0.0)
    customers, areas, at = orders(addresses, 2_000)
    there = (areas + 400) % len(addresses._geography.area_ids)
    home = addresses.of(customers, areas, at)
    away = addresses.of(customers, there, at + 86_400)
    assert (home != away).all()
    assert np.array_equal(away // VERSIONS, customers)
    assert np.array_equal(addresses.of(customers, areas, at + 2 * 86_400), home)
    assert np.array_equal(addresses.of(customers, there, at + 3 * 86_400), away)


def test_written_again_the_place_is_the_same():
    world = bare_world()
    addresses = addresses_of(world, written_again_share=0.5)
    customers, areas, at = orders(addresses, 2_000)
    one, two = addresses.of(customers, areas, at), addresses.of(customers, areas, at + 1_000)
    assert 0.4 < (one != two).mean() < 0.6
    truth = {row["address_id"]: row for row in world.truth.told("addresses").to_pylist()}
    for a, b in zip(one.tolist(), two.tolist(), strict=True):
        assert all(truth[f"a{a}"][part] == truth[f"a{b}"][part] for part in ("lat", "lng", *PARTS))


def test_the_order_of_the_orders_changes_nothing():
    forwards, backwards = bare_world(), bare_world()
    customers, areas, at = orders(addresses_of(bare_world()), 3_000)
    numbers = addresses_of(forwards).of(customers, areas, at)
    assert np.array_equal(addresses_of(backwards).of(customers[::-1], areas[::-1], at[::-1])[::-1], numbers)
    one, other = (world.exports.waiting()["addresses"].sort_by("address_id") for world in (forwards, backwards))
    assert one.equals(other)


def test_a_twin_without_some_orders_writes_the_others_alike():
    both, fewer = bare_world(), bare_world()
    customers, areas, at = orders(addresses_of(bare_world()), 3_000)
    addresses_of(both).of(customers, areas, at)
    addresses_of(fewer).of(customers[::3], areas[::3], at[::3])
    told = {row["address_id"]: row for row in both.exports.waiting()["addresses"].to_pylist()}
    for row in fewer.exports.waiting()["addresses"].to_pylist():
        assert row == told[row["address_id"]]


def test_one_edit_s_rate_leaves_the_others_where_they_were(written):
    more = Written(edits=EditParameters(typo=Edit(share=0.5, logit=0.0)))
    for edit in EDITS[1:]:
        assert np.array_equal(more.has(edit), written.has(edit))
    assert more.has("typo")[written.has("typo")].all(), "a higher rate keeps those of the lower one"


def test_a_checkpoint_knows_which_addresses_were_written(monkeypatch):
    monkeypatch.setattr(module, "_SETTLED_FROM", 100)
    world, continued = bare_world(), bare_world()
    addresses, again = addresses_of(world), addresses_of(continued)
    for day in range(4):
        addresses.of(*orders(addresses, 400, seed=day, day=day))
    arrays = addresses.arrays()
    assert all(values.dtype != object for values in arrays.values())
    again.restore(arrays)
    before = world.exports.waiting()["addresses"].num_rows
    new = orders(addresses, 900, seed=9, day=4)
    assert np.array_equal(addresses.of(*new), again.of(*new))
    assert world.exports.waiting()["addresses"].slice(before).equals(continued.exports.waiting()["addresses"])
    for name, values in addresses.arrays().items():
        assert np.array_equal(values, again.arrays()[name])


def test_large_customer_numbers_and_no_orders_are_fine():
    addresses = addresses_of(bare_world())
    huge = np.array([2**31 - 1, 2**50], dtype=np.int64)
    found = addresses.of(huge, np.array([0, 1]), np.array([addresses._surroundings.days.start(0)] * 2))
    assert np.array_equal(found // VERSIONS, huge)
    assert len(addresses.of(huge[:0], huge[:0], huge[:0])) == 0
    assert len(addresses.failure_logit(huge[:0])) == 0


@given(st.text("abcdefgnorst ", min_size=3, max_size=30), st.floats(0, 1, exclude_max=True), st.integers(0, 2))
def test_a_typo_moves_at_most_two_letters_and_keeps_the_first(text, where, how):
    typed = mistyped(text, where, how)
    assert abs(len(typed) - len(text)) <= 1
    if how == 2:
        assert len(typed) == len(text) + 1
    assert sorted(typed) == sorted(text) or len(typed) != len(text)


def test_what_is_misread_looks_alike():
    assert misread("Rua Modelo", 0.11) == "Rua Mode1o"
    assert misread("Rua Bernardo", 0.0) == "Rua Bemardo"
    assert misread("xyz", 0.5) == "xyz"


@pytest.mark.parametrize("edit", EDITS)
def test_each_edit_alone_always_leaves_its_mark(edit):
    alone = Written(edits=only(edit, logit=0.7), flats_share=1.0)
    assert alone.has(edit).all()
    assert np.any([alone.differs(part) for part in PARTS], axis=0).all()
    assert alone.addresses.failure_logit(alone.numbers) == pytest.approx(0.7)


@pytest.mark.parametrize("impossible", [{"flats_share": 1.2}, {"area_km": 0}, {"edits": {"typo": {"share": -0.1, "logit": 0}}}])
def test_impossible_parameters_are_refused_by_name(impossible):
    with pytest.raises(ValidationError, match=next(iter(impossible))):
        AddressesParameters(**impossible)
