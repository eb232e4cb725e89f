"""The last mile: who goes out, what becomes of the attempts, and that want of people causes failures."""

import dataclasses

import numpy as np
import pytest
from parcel_world import AREAS, DEPOTS, NEVER, Addresses, ParcelWorld, joined
from pydantic import ValidationError
from scipy.special import expit

from tradewind_simulator.days import DAY, HOUR
from tradewind_simulator.mechanisms.delivery.attempts import (
    BAD_ADDRESS,
    DELIVERED,
    FALSE_ATTEMPT,
    NOBODY_HOME,
    Attempts,
    AttemptsParameters,
    Tries,
)
from tradewind_simulator.mechanisms.delivery.breakage import Breakage, BreakageParameters
from tradewind_simulator.mechanisms.delivery.last_mile import LastMileParameters
from tradewind_simulator.mechanisms.delivery.round_history import Rest, RoundHistory
from tradewind_simulator.mechanisms.delivery.rounds import Rounds, RoundsParameters, Waiting
from tradewind_simulator.mechanisms.delivery.workloads import places
from tradewind_simulator.streams import Streams


def _tries(count: int, **changes: float) -> Tries:
    number = np.arange(count, dtype=np.int64)
    no, zero = np.zeros(count, dtype=bool), np.zeros(count)
    usual = Tries(number, number * 0 + 1, number % AREAS, number * 4 + 1, zero + 12, number * 0, number * 0, no, no, zero, zero, zero)
    return dataclasses.replace(usual, **{name: np.full(count, value) for name, value in changes.items()})


def _attempts(**changes: float) -> Attempts:
    return Attempts(AttemptsParameters(**changes), Streams(5), Addresses(), AREAS)


def _ended(world: ParcelWorld, days: int, **capacity: int) -> dict[str, np.ndarray]:
    return joined([world.step(day, **capacity)[1] for day in range(days)])


def test_places_are_counted_within_each_group() -> None:
    assert places(np.array([3, 3, 5, 5, 5, 9])).tolist() == [0, 1, 0, 1, 2, 0]
    assert places(np.zeros(0, dtype=np.int64)).tolist() == []


def test_the_planted_probability_is_what_happens() -> None:
    cause, probability = _attempts().outcomes(_tries(60_000))
    assert abs((cause != DELIVERED).mean() - probability.mean()) < 0.003
    dear = probability > np.median(probability)
    assert (cause[dear] != DELIVERED).mean() > (cause[~dear] != DELIVERED).mean()


def test_a_badly_written_address_has_the_planted_log_odds() -> None:
    attempts = _attempts()
    tries = _tries(10)
    badly = dataclasses.replace(tries, address=np.full(10, 5))
    well = dataclasses.replace(tries, address=np.full(10, 1))
    difference = np.log(attempts.chances(badly)[BAD_ADDRESS] / (1 - attempts.chances(badly)[BAD_ADDRESS]))
    difference -= np.log(attempts.chances(well)[BAD_ADDRESS] / (1 - attempts.chances(well)[BAD_ADDRESS]))
    assert np.allclose(difference, 1.5)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"days_late": 9}, NOBODY_HOME),
        ({"pressure": 2.0}, FALSE_ATTEMPT),
        ({"progress": 0.95}, FALSE_ATTEMPT),
        ({"dishonesty": 2.0}, FALSE_ATTEMPT),
    ],
)
def test_what_makes_it_worse_adds_failures_and_takes_none_away(change: dict[str, float], cause: int) -> None:
    attempts = _attempts()
    (usual, _), (worse, _) = attempts.outcomes(_tries(60_000)), attempts.outcomes(_tries(60_000, **change))
    assert not ((worse == DELIVERED) & (usual != DELIVERED)).any()
    assert (worse == cause).sum() > 1.3 * (usual == cause).sum()


def test_outcomes_do_not_depend_on_who_else_is_out() -> None:
    attempts, tries = _attempts(), _tries(2_000)
    some = np.random.default_rng(2).permutation(2_000)[:500]
    part = Tries(*(getattr(tries, field.name)[some] for field in dataclasses.fields(tries)))
    assert np.array_equal(attempts.visits(tries).last_cause[some], attempts.visits(part).last_cause)


def test_a_replicate_is_another_draw_of_the_same_law() -> None:
    attempts, tries = _attempts(), _tries(60_000)
    (real, same), (other, law) = attempts.outcomes(tries), attempts.outcomes(tries, replicate=3)
    assert np.array_equal(same, law)
    assert not np.array_equal(real, other)
    assert abs((real == DELIVERED).mean() - (other == DELIVERED).mean()) < 0.004


def test_rates_are_near_the_public_ones() -> None:
    world = ParcelWorld(orders=400)
    ended = _ended(world, 32)
    delivered = ended["delivered_at"] < NEVER
    said = world.said("delivery_attempts")
    first = [row["outcome"] == "delivered" for row in said if row["attempt_number"] == 1]
    days: dict[str, set[object]] = {}
    for row in said:
        days.setdefault(row["parcel_id"], set()).add(row["attempted_at"].date())
    assert 0.90 < np.mean(first) < 0.95
    assert 0.02 < np.mean([len(dates) > 1 for dates in days.values()]) < 0.06
    assert 0.002 < (~delivered).mean() < 0.01
    assert 0.003 < (ended["cause"][delivered] > 0).mean() < 0.012
    assert 0.004 < ended["is_damaged"].mean() < 0.015


def test_each_parcel_ends_once_and_the_ledger_says_how() -> None:
    world = ParcelWorld(orders=100)
    ended = _ended(world, 40)
    parcels = world.handling.shipments.parcels.entities
    at = parcels.positions(ended["number"])
    assert len(np.unique(ended["number"])) == len(ended["number"])
    assert np.array_equal(parcels["delivered_at"][at], ended["delivered_at"])
    assert ((ended["delivered_at"] < NEVER) ^ (ended["returned_at"] < NEVER)).all()
    assert parcels["closed"][at].all()
    assert not np.intersect1d(world.last_mile.waiting["number"], ended["number"]).size


def test_attempts_are_made_on_workdays_within_hours_and_couriers_are_no_more_than_people() -> None:
    world = ParcelWorld(orders=200)
    _ended(world, 30)
    said = world.said("delivery_attempts")
    couriers: dict[tuple[str, object], set[str]] = {}
    for row in said:
        seconds = np.array([int(row["attempted_at"].timestamp())])
        day = int(world.days.of(seconds)[0])
        hour = (int(seconds[0]) - world.days.start(day)) / HOUR
        state = world.network.hub_state[world.network.hub_ids.index(row["hub_id"])]
        assert 9.0 <= hour <= 20.5
        assert world.calendar.today(day).is_workday[state]
        assert row["recorded_at"] > row["attempted_at"]
        assert (row["reason"] is None) == (row["outcome"] == "delivered")
        couriers.setdefault((row["hub_id"], day), set()).add(row["courier_id"])
    assert max(len(names) for names in couriers.values()) <= 10_000 // 60


def test_a_depot_takes_out_no_more_than_it_can_longest_ready_first_and_urgent_ones_earlier() -> None:
    world = ParcelWorld()
    today = world.calendar.today(8)
    count = 100
    number = np.arange(count)
    waiting = Waiting(
        number=number,
        customer=number,
        depot=number % 2,
        area=number % AREAS,
        ready_at=today.start - 10 * DAY + number * HOUR,
        promised_at=np.where(number == 99, today.start, today.end + DAY),
        attempt=np.ones(count, dtype=np.int64),
        may_go=np.ones(count, dtype=bool),
    )
    rounds = Rounds(RoundsParameters(urgent_hours=200.0), Streams(1))
    stops = rounds.plan(today, waiting, np.ones(2, dtype=bool), np.array([10, 5]), np.array([2, 2]))
    assert stops.rows[stops.rows % 2 == 0].tolist() == list(range(0, 20, 2))
    assert stops.rows[stops.rows % 2 == 1].tolist() == [1, 3, 5, 7, 99]
    assert len(np.unique(stops.courier)) <= 4
    assert stops.pressure.tolist() == [4.0, 9.0]
    idle = rounds.plan(today, waiting, np.ones(2, dtype=bool), np.array([10, 5]), np.array([0, 0]))
    assert len(idle.rows) == 0


def test_fewer_couriers_make_parcels_late_and_cause_failures_and_false_scans() -> None:
    parameters = LastMileParameters(attempts=AttemptsParameters(false_pressure=1.5))
    many, few = (_ended(ParcelWorld(orders=300, last_mile=parameters), 45, capacity=capacity) for capacity in (10_000, 50))
    _, at_many, at_few = np.intersect1d(many["number"], few["number"], return_indices=True)
    assert len(at_few) > 3_000
    assert np.mean(few["delivered_at"][at_few] > many["delivered_at"][at_many]) > 0.5
    assert few["attempts"][at_few].mean() > many["attempts"][at_many].mean()
    assert (few["cause"] > 0).mean() > (many["cause"] > 0).mean()
    assert np.array_equal(few["is_damaged"][at_few], many["is_damaged"][at_many])


def test_backlogs_balance_each_day_even_when_a_depot_closes() -> None:
    world, before = ParcelWorld(orders=150, closes=15), np.zeros(DEPOTS, dtype=np.int64)
    for day in range(25):
        world.step(day, capacity=25)
        work = world.last_mile.work
        assert np.array_equal(work.backlog, before + work.arrived - work.done)
        assert (work.done >= 0).all()
        before = work.backlog
    assert before[4] == 0
    assert before[:4].sum() > 0


def test_scans_tell_the_way_in_order() -> None:
    world = ParcelWorld(orders=60)
    _ended(world, 25)
    by_parcel: dict[int, list[tuple[int, int, int]]] = {}
    for parcel, _, event, at, ordinal in world.scans.rows:
        by_parcel.setdefault(parcel, []).append((at, event, ordinal))
    for scans in by_parcel.values():
        events = [event for _, event, _ in sorted(scans)]
        assert events[0] == 4
        assert all(event in (4, 5) for event in events[:-1])
        assert len({ordinal for _, _, ordinal in scans}) == len(scans)
        assert all(64 <= ordinal < 128 for _, _, ordinal in scans)


def test_a_false_attempt_is_reported_as_nobody_home_far_from_the_door() -> None:
    parameters = LastMileParameters(attempts=AttemptsParameters(false_attempt=-1.0))
    world = ParcelWorld(orders=150, last_mile=parameters)
    _ended(world, 20)
    said = {row["attempt_id"]: row for row in world.said("delivery_attempts")}
    truth = world.told("attempts")
    false = [said[row["attempt_id"]] for row in truth if row["true_cause"] == "false_attempt"]
    home = [said[row["attempt_id"]] for row in truth if row["true_cause"] == "nobody_home"]
    assert len(said) == len(truth)
    assert {row["reason"] for row in false} == {"nobody_home"}
    assert np.median([row["scan_to_address_m"] for row in false]) > 10 * np.median([row["scan_to_address_m"] for row in home])
    assert all(row["is_false"] == (row["true_cause"] in ("false_attempt", "false_scan")) for row in truth)


def _rest(world: ParcelWorld, day: int, replicate: int, **changes: object) -> Rest:
    numbers = np.arange(20_000)
    same = numbers * 0
    whole = {
        "number": numbers,
        "replicate": same + replicate,
        "depot": numbers % DEPOTS,
        "area": numbers % AREAS,
        "address": numbers * 4 + 1,
        "promised_at": same + world.days.start(day) + 30 * DAY,
        "ready_at": same + world.days.start(day) - 9 * HOUR,
        "earliest": same + day,
        "is_out": same > 0,
        "attempt": same + 1,
        "rounds": same,
    }
    return Rest(**{**whole, **changes})  # type: ignore[arg-type]  # arrays of each kind


def _history(world: ParcelWorld, days: int, couriers: int = 5) -> RoundHistory:
    history = RoundHistory(DEPOTS, world.last_mile.rounds.turn, world.workdays.starts)
    for day in range(days):
        world.step(day)
        today = world.calendar.today(day)
        history.keep(today, world.last_mile, np.where(today.is_workday[world.network.hub_state], couriers, 0))
    return history


def test_the_redrawn_rest_of_the_way_has_the_law_of_the_real_one() -> None:
    world = ParcelWorld(orders=300)
    history = _history(world, 50)
    drawn, again, other = (world.last_mile.delivered_at(_rest(world, 50, r), history) for r in (1, 1, 2))
    days = world.days.of(drawn[drawn < NEVER])
    assert np.array_equal(drawn, again)
    assert not np.array_equal(drawn, other)
    assert days.min() == 50
    assert 0.93 < (days == 50).mean() < 0.99
    assert (drawn == NEVER).mean() < 0.01


def test_what_waits_at_the_depot_today_does_not_hold_up_those_who_have_their_day() -> None:
    world = ParcelWorld(orders=300)
    history = _history(world, 50)
    before = world.last_mile.delivered_at(_rest(world, 50, 1), history)
    world.last_mile.pressure += 3.0
    assert np.array_equal(world.last_mile.delivered_at(_rest(world, 50, 1), history), before)


def test_who_was_out_twice_has_one_round_left_and_the_refused_none() -> None:
    world = ParcelWorld(orders=300)
    history = _history(world, 50)
    numbers = np.arange(20_000)
    fresh = world.last_mile.delivered_at(_rest(world, 50, 1), history)
    last = world.last_mile.delivered_at(_rest(world, 50, 1, is_out=numbers >= 0, attempt=numbers * 0 + 3, rounds=numbers * 0 + 2), history)
    assert set(world.days.of(last[last < NEVER]).tolist()) == {50}
    assert (last == NEVER).mean() > 5 * (fresh == NEVER).mean()
    refusing = ParcelWorld(orders=300, last_mile=LastMileParameters(attempts=AttemptsParameters(refused=30.0, nobody_home=-30.0)))
    refused = refusing.last_mile.delivered_at(_rest(refusing, 50, 1), _history(refusing, 50))
    assert (refused == NEVER).all()


def test_heavy_parcels_that_travel_long_break_more_often() -> None:
    breakage = Breakage(BreakageParameters(), Streams(1))
    numbers, weight = np.arange(100_000), np.full(100_000, 2_000)
    light, heavy = breakage.is_damaged(numbers, weight, weight * 0 + DAY), breakage.is_damaged(numbers, weight * 10, weight * 0 + 20 * DAY)
    assert not (light & ~heavy).any()
    assert abs(light.mean() - expit(-5.1 + 0.35 * np.log(2.0) + 0.05)) < 0.001
    assert heavy.sum() > 2 * light.sum()


def test_going_on_from_a_checkpoint_changes_nothing() -> None:
    whole, first, second = ParcelWorld(), ParcelWorld(), ParcelWorld()
    expected = joined([whole.step(day, capacity=12)[1] for day in range(22)][14:])
    for day in range(14):
        first.step(day, capacity=12)
    for name in ("handling", "last_mile", "reviews"):
        getattr(second, name).restore(getattr(first, name).arrays())
    second.exports.restore(first.exports.waiting(), first.exports.arrays())
    second.travelling = first.travelling
    found = joined([second.step(day, capacity=12)[1] for day in range(14, 22)])
    assert len(expected["number"]) > 100
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


def test_impossible_parameters_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="second_pass_share"):
        AttemptsParameters(second_pass_share=1.2)
    with pytest.raises(ValidationError, match="most_rounds"):
        LastMileParameters(most_rounds=0)
    with pytest.raises(ValidationError, match="nobody_home_area_spread"):
        AttemptsParameters(nobody_home_area_spread=-1.0)
