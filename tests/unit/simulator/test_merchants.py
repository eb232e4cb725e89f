"""Merchants: traits by number, a life that can be checked against its law, and what is written of them."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from merchant_world import SHARES, day_of, live, merchants_of, surroundings
from pydantic import ValidationError

from tradewind_simulator.days import DAY
from tradewind_simulator.flows import Scores
from tradewind_simulator.mechanisms.growth.merchants import MerchantsParameters
from tradewind_simulator.mechanisms.growth.survival import Standing, Survival, SurvivalParameters
from tradewind_simulator.mechanisms.growth.tiers import TiersParameters, tiers
from tradewind_simulator.report.distances import gini
from tradewind_simulator.streams import Stream

NUMBERS = np.arange(1, 20_001)


def _standing(count: int, **changes: float) -> Standing:
    p = SurvivalParameters()
    values = {"rating": p.typical_rating, "tier": 0, "late_share": p.typical_late_share, "sales_28d": 1e9, "age_days": 365, **changes}
    return Standing(
        **{name: np.full(count, value, dtype=np.int64 if name in ("tier", "age_days") else float) for name, value in values.items()}
    )


def test_merchants_left_alone_die_as_the_pareto_law_says():
    p = SurvivalParameters()
    survival = Survival(p, Stream(1, "survival"))
    hazards = survival.hazards(survival.rates(NUMBERS), _standing(len(NUMBERS)), 0.0)
    alive = [float(np.mean(hazards * days < survival.resistances(NUMBERS))) for days in (90, 365)]
    expected = [(1 + p.deaths_per_year * days / 365 / p.rate_shape) ** -p.rate_shape for days in (90, 365)]
    assert alive == pytest.approx(expected, abs=0.012)


@pytest.mark.parametrize(
    ("change", "direction"),
    [({"rating": 4.8}, -1), ({"tier": 2}, -1), ({"late_share": 0.3}, 1), ({"sales_28d": 0.0}, 1), ({"rating": 2.0}, 1)],
)
def test_the_hazard_falls_with_rating_and_tier_and_rises_with_late_and_low_sales(change: dict[str, float], direction: int):
    survival = Survival(SurvivalParameters(), Stream(1, "survival"))
    rates = survival.rates(NUMBERS[:5])
    before, after = (survival.hazards(rates, _standing(5, **c), 0.0) for c in ({}, change))
    assert np.all(np.sign(after - before) == direction)


def test_low_sales_of_a_newcomer_do_not_count_and_support_lowers_the_hazard():
    survival = Survival(SurvivalParameters(), Stream(1, "survival"))
    rates = survival.rates(NUMBERS[:3])
    new = survival.hazards(rates, _standing(3, sales_28d=0.0, age_days=20), 0.0)
    assert np.array_equal(new, survival.hazards(rates, _standing(3), 0.0))
    assert np.allclose(survival.hazards(rates, _standing(3), 0.7), new * np.exp(-0.7))


def test_traits_are_those_of_the_number_whoever_else_is_asked():
    traits = merchants_of(surroundings()).traits
    order = np.random.default_rng(0).permutation(len(NUMBERS))
    for name in ("area", "category", "kind", "sales_rate", "growth", "initial_standing"):
        ask = getattr(traits, name)
        assert np.array_equal(ask(NUMBERS)[order], ask(NUMBERS[order])), name


def test_latent_traits_follow_their_laws():
    traits = merchants_of(surroundings()).traits
    # Lognormal with 1.8: half of the sellers have a quarter of the mean or less (Olist: 0.20), its Gini is near 0.79.
    for numbers in (NUMBERS[:120], NUMBERS, NUMBERS + 1_000_000):
        rates = traits.sales_rate(numbers)
        assert rates.mean() == pytest.approx(1, abs=0.15)
        assert np.median(rates) == pytest.approx(0.27, abs=0.04)
        assert gini(rates) == pytest.approx(0.72, abs=0.04)
    assert np.bincount(traits.category(NUMBERS)) / len(NUMBERS) == pytest.approx(SHARES, abs=0.02)
    assert np.mean(traits.area(NUMBERS) == 0) == pytest.approx(0.6, abs=0.02)
    assert np.median(traits.handling_hours(NUMBERS, np.zeros(len(NUMBERS)))) == pytest.approx(45, rel=0.03)
    assert np.all(traits.handling_hours(NUMBERS, np.full(len(NUMBERS), 2.0)) < traits.handling_hours(NUMBERS, np.zeros(len(NUMBERS))))


def test_days_after_a_checkpoint_are_the_days_without_one():
    whole, other = surroundings(), surroundings()
    one, two = merchants_of(whole), merchants_of(other)
    live(whole, one, 0, 45)
    live(other, two, 0, 30)
    third = surroundings()
    restored = merchants_of(third)
    restored.restore(two.arrays())
    third.exports.restore({}, other.exports.arrays())
    live(third, restored, 30, 45)
    arrays, again = one.arrays(), restored.arrays()
    assert arrays.keys() == again.keys()
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)
    assert len(arrays["leads.lead"]) > 0


def test_a_year_has_births_and_deaths_and_the_dead_sell_nothing():
    world = surroundings()
    merchants = merchants_of(world)
    live(world, merchants, 0, 150)
    e, today = merchants.entities, day_of(world, 150)
    dead = ~e["is_alive"]
    assert 3 < dead.sum() < 0.5 * len(e)
    assert (e["number"] > 1_000_000).sum() > 10
    assert np.all(merchants.demand_lift(today)[dead] == 0)
    assert np.all(merchants.demand_lift(today)[~dead] > 0)
    told = world.truth.column("merchant_deaths", "merchant_id")
    assert sorted(told) == sorted(f"m{number}" for number in e["number"][dead])


def test_a_merchant_is_written_when_it_joins_and_again_at_its_first_order(tmp_path: Path):
    world = surroundings()
    merchants = merchants_of(world)
    for number in range(3):
        merchants.step(day_of(world, number))
        if number == 1:
            merchants.first_seen(np.array([4, 4]), np.array([world.days.start(1) + 500, world.days.start(1) + 100]))
        if number == 2:
            merchants.first_seen(np.array([4]), np.array([world.days.start(2) + 100]))
        world.exports.flush(world.days.start(number) // DAY, tmp_path)
    first, second = (pq.read_table(tmp_path / "merchants" / f"2024-01-0{d}.parquet") for d in (1, 2))
    assert first.num_rows == len(merchants.entities)
    assert first.column("first_seen_at").null_count == first.num_rows
    assert set(first.column("state").to_pylist()) == {"SP", "RJ"}
    assert second.column("merchant_id").to_pylist() == ["m5"]
    assert second.column("first_seen_at").cast("int64").to_pylist() == [(world.days.start(1) + 100) * 1_000_000]
    assert not (tmp_path / "merchants" / "2024-01-03.parquet").exists()


def test_what_is_observed_moves_rating_late_share_and_sales():
    world = surroundings()
    merchants = merchants_of(world)
    merchants.step(day_of(world, 0))
    before = (merchants.rating()[:3].copy(), merchants.late_share()[:3].copy(), merchants.entities["sales_28d"][:3].copy())
    merchants.observe_scores(Scores(np.array([0, 0, 1]), np.array([1, 1, 5])))
    merchants.observe_late(np.array([0, 1, 1]), np.array([True, False, False]))
    merchants.observe_orders(np.array([2, 2]))
    assert np.array_equal(np.sign(merchants.rating()[:3] - before[0]), [-1, 1, 0])
    assert np.array_equal(np.sign(merchants.late_share()[:3] - before[1]), [1, -1, 0])
    assert np.allclose(merchants.entities["sales_28d"][:3] - before[2], [0, 0, 2])


def test_without_the_levers_the_same_leads_come_and_nobody_is_subsidised():
    plain, twin = surroundings(), surroundings("subsidy=0", "outreach=0")
    one, two = merchants_of(plain), merchants_of(twin)
    live(plain, one, 0, 60)
    live(twin, two, 0, 60)
    today = day_of(plain, 59)
    assert one.subsidy(today).max() > 0
    assert two.subsidy(today).max() == 0
    assert plain.exports.appended("leads").equals(twin.exports.appended("leads"))
    count = 30
    assert np.array_equal(one.entities["resistance"][:count], two.entities["resistance"][:count])


def test_a_tier_is_held_within_the_band():
    p = TiersParameters(silver_orders=100, gold_ratio=5, band=0.8)
    sales = np.array([50.0, 90.0, 90.0, 120.0, 450.0, 600.0, 70.0])
    held = np.array([0, 0, 1, 0, 2, 1, 2])
    assert tiers(p, held, sales).tolist() == [0, 0, 1, 1, 2, 2, 0]


@pytest.mark.parametrize(
    "wrong", [{"initial_per_order": -1}, {"initial_least": 0}, {"survival": {"deaths_per_year": -0.1}}, {"unheard_of": 1}]
)
def test_impossible_parameters_are_refused_by_name(wrong: dict[str, object]):
    with pytest.raises(ValidationError, match="|".join(["initial", "deaths_per_year", "unheard_of"])):
        MerchantsParameters(**wrong)  # type: ignore[arg-type]  # wrong on purpose
