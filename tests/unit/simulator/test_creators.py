"""Creators: they lift what they show, and are credited with the share of the lift."""

import numpy as np
import pytest
from merchant_world import CATEGORIES, SHARES, day_of, surroundings
from pydantic import ValidationError

from tradewind_simulator.mechanisms.growth.creators import Creators, CreatorsParameters

PRODUCTS = np.arange(1000, 1600)
CATEGORY = (PRODUCTS * 7) % 3


def _creators(*, days: int = 1, **changes: float):
    world = surroundings(orders_per_day=600.0)
    creators = Creators(CreatorsParameters(**changes), world, CATEGORIES, SHARES, ("SP", "RJ"), np.array([0.7, 0.3]))
    for number in range(days):
        creators.step(day_of(world, number))
    return world, creators


def test_creators_lift_products_of_their_niche_and_nothing_else():
    world, creators = _creators()
    creators.entities["category"][:] = 1
    lift = creators.lift(day_of(world, 0), CATEGORY, PRODUCTS)
    assert np.all(lift[CATEGORY != 1] == 1)
    shown = lift[CATEGORY == 1]
    assert shown.min() >= 1
    assert shown.max() > 1.1
    assert lift.max() <= 1 + creators.parameters.greatest_lift


def test_a_product_is_lifted_alike_in_any_company():
    world, creators = _creators()
    today = day_of(world, 0)
    whole = creators.lift(today, CATEGORY, PRODUCTS)
    order = np.random.default_rng(0).permutation(len(PRODUCTS))
    assert np.allclose(creators.lift(today, CATEGORY[order], PRODUCTS[order]), whole[order], rtol=1e-12)
    assert np.allclose(creators.lift(today, CATEGORY[:300], PRODUCTS[:300]), whole[:300], rtol=1e-12)


def test_the_share_of_the_lift_is_credited_to_those_who_show_the_product():
    world, creators = _creators()
    today = day_of(world, 0)
    lift = creators.lift(today, CATEGORY, PRODUCTS)
    place = int(np.argmax(lift))
    orders = np.arange(20_000)
    credited = creators.credit(orders, np.full(len(orders), PRODUCTS[place]), today)
    assert np.mean(credited >= 0) == pytest.approx(1 - 1 / lift[place], abs=0.015)
    e = creators.entities
    niche = set(e["number"][e["category"] == CATEGORY[place]].tolist())
    assert set(credited[credited >= 0].tolist()) <= niche


def test_credit_is_shared_by_what_each_adds():
    world, creators = _creators(picks=1.0, activity=1.0)
    today = day_of(world, 0)
    creators.lift(today, CATEGORY, PRODUCTS)
    orders = np.arange(60_000)
    credited = creators.credit(orders, np.full(len(orders), PRODUCTS[5]), today)
    credited = credited[credited >= 0]
    who, places, added = creators._pairs(today, CATEGORY[5:6], PRODUCTS[5:6])
    expected = added / added.sum()
    found = np.array([np.mean(credited == creators.entities["number"][position]) for position in who])
    assert np.all(places == 0)
    assert found == pytest.approx(expected, abs=0.01)


def test_an_unlifted_product_and_a_day_without_lift_credit_nobody():
    world, creators = _creators()
    today = day_of(world, 0)
    lift = creators.lift(today, CATEGORY, PRODUCTS)
    orders = np.arange(500)
    unlifted = np.full(len(orders), PRODUCTS[int(np.argmin(lift))])
    assert lift.min() == 1
    assert np.all(creators.credit(orders, unlifted, today) == -1)
    assert np.all(creators.credit(orders, np.full(len(orders), PRODUCTS[int(np.argmax(lift))]), day_of(world, 1)) == -1)


def test_creators_join_and_stop_and_days_after_a_checkpoint_are_the_same():
    _, whole = _creators(days=60, life_days=40.0)
    world, part = _creators(days=30, life_days=40.0)
    restored = Creators(part.parameters, world, CATEGORIES, SHARES, ("SP", "RJ"), np.array([0.7, 0.3]))
    restored.restore(part.arrays())
    for number in range(30, 60):
        restored.step(day_of(world, number))
    assert all(np.array_equal(values, restored.arrays()[name]) for name, values in whole.arrays().items())
    numbers = set(whole.entities["number"].tolist())
    first = set(_creators()[1].entities["number"].tolist())
    assert numbers - first
    assert first - numbers


def test_each_creator_is_written_once_with_its_truth():
    world, _ = _creators(days=60)
    rows = world.exports.appended("creators")
    assert rows.num_rows == len(set(rows.column("creator_id").to_pylist())) == len(world.truth.column("creators", "creator_id"))
    assert set(rows.column("category").to_pylist()) == set(CATEGORIES)
    assert np.median(rows.column("followers_count").to_numpy()) == pytest.approx(8000, rel=0.6)


@pytest.mark.parametrize("wrong", [{"activity": 1.5}, {"life_days": 0.0}, {"followers": -1.0}, {"greatest_lift": 0.0}])
def test_impossible_parameters_are_refused_by_name(wrong: dict[str, float]):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        CreatorsParameters(**wrong)
