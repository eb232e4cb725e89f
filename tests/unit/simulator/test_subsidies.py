"""Subsidies: a lot and a choice, a concave response of each merchant's own, a lever."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from merchant_world import day_of, live, merchants_of, surroundings
from pydantic import ValidationError

from tradewind_simulator.days import DAY
from tradewind_simulator.mechanisms.growth.subsidies import Applicants, SubsidiesParameters
from tradewind_simulator.streams import Stream


def _applicants(numbers: np.ndarray) -> Applicants:
    stream = Stream(2, "test")
    count = len(numbers)
    sales = np.full(count, 30.0)
    return Applicants(numbers, numbers % 3, stream.normal(numbers), stream.normal(numbers, slot=1), sales, 3 * sales, 100.0 * sales)


def _decided(*levers: str, count: int = 20_000):
    world = surroundings(*levers)
    subsidies = merchants_of(world).subsidies
    return world, subsidies.decide(day_of(world, 28), _applicants(np.arange(1, count + 1)))


def test_the_targeted_are_those_that_grow_anyway_and_the_lot_knows_nothing():
    world, grants = _decided()
    growth, given, propensity = (world.truth.column("subsidies", name) for name in ("latent_growth", "is_given", "propensity"))
    lot = propensity == 0.5
    assert abs(growth[lot & given].mean() - growth[lot & ~given].mean()) < 0.06
    assert growth[~lot & given].mean() > growth[~lot & ~given].mean() + 0.5
    assert given[lot].mean() == pytest.approx(0.5, abs=0.02)
    assert grants.is_given.sum() == given.sum()


def test_some_merchants_answer_a_subsidy_by_selling_less():
    world, _ = _decided()
    assert 0.1 < np.mean(world.truth.column("subsidies", "response") < 0) < 0.45


def test_the_response_is_concave_and_whole_at_a_tenth():
    subsidies = merchants_of(surroundings()).subsidies
    reached = subsidies.concave(np.array([0.0, 0.05, 0.10, 0.15, 0.20]))
    assert reached[[0, 2]].tolist() == pytest.approx([0, 1])
    steps = np.diff(reached)
    assert np.all(steps > 0)
    assert np.all(np.diff(steps) < 0)


def test_levels_are_drawn_evenly_and_only_the_given_get_one():
    _, grants = _decided()
    levels, counts = np.unique(grants.share, return_counts=True)
    assert levels.tolist() == [0.0, 0.05, 0.10, 0.15, 0.20]
    assert counts[1:] / grants.is_given.sum() == pytest.approx(0.25, abs=0.02)
    assert np.all((grants.share > 0) == grants.is_given)


def test_the_grant_of_a_merchant_is_that_of_its_number_in_any_company():
    numbers = np.arange(1, 3001)
    order = np.random.default_rng(0).permutation(len(numbers))
    shares = []
    for asked in (numbers, numbers[order]):
        world = surroundings()
        shares.append(merchants_of(world).subsidies.decide(day_of(world, 28), _applicants(asked)).share)
    assert np.array_equal(shares[0][order], shares[1])


def test_a_subsidy_runs_from_the_next_day_to_the_day_before_the_next_decision():
    world = surroundings()
    merchants = merchants_of(world)
    running = []
    for number in range(60):
        live(world, merchants, number, number + 1)
        running.append(bool(merchants.subsidy(day_of(world, number)).any()))
    assert running == [29 <= number <= 55 or number >= 57 for number in range(60)]


def test_the_lever_scales_a_running_subsidy_from_its_day_on():
    world, twin = surroundings(), surroundings("subsidy=0.5@2024-02-05")
    one, two = merchants_of(world), merchants_of(twin)
    live(world, one, 0, 31)
    live(twin, two, 0, 31)
    before, after = day_of(world, 34), day_of(world, 35)
    assert np.array_equal(one.subsidy(before), two.subsidy(before))
    assert np.array_equal(0.5 * one.subsidy(after), two.subsidy(after))
    given = one.subsidy(after) > 0
    rising = given & (one.entities["subsidy_response"] > 0)
    assert np.all(one.demand_lift(after)[rising] > two.demand_lift(after)[rising])
    assert np.array_equal(one.demand_lift(after)[~given], two.demand_lift(after)[~given])


def test_the_offer_is_worth_the_share_of_the_revenue(tmp_path):
    world, grants = _decided(count=50)
    world.exports.flush(world.days.start(28) // DAY, tmp_path)
    rows = {row["merchant_id"]: row for row in pq.read_table(tmp_path / "outreach" / "2024-01-29.parquet").to_pylist()}
    assert {row["purpose"] for row in rows.values()} == {"subsidy"}
    for number, share in zip(range(1, 51), grants.share, strict=True):
        row = rows.get(f"m{number}")
        if row is not None:
            assert (float(row["offer"]) if row["offer"] is not None else 0.0) == pytest.approx(share * 30.0)


@pytest.mark.parametrize("wrong", [{"levels": (1.5,)}, {"levels": ()}, {"period_days": 1}, {"saturation": 0.0}])
def test_impossible_parameters_are_refused_by_name(wrong: dict[str, object]):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        SubsidiesParameters(**wrong)  # type: ignore[arg-type]  # wrong on purpose
