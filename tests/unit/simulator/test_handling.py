"""Handling: from the purchase to the carrier, in the ledgers and over to transport."""

import numpy as np
import pyarrow as pa
import pytest
from parcel_world import MERCHANTS, NEVER, ParcelWorld, joined
from pydantic import ValidationError

from tradewind_simulator.days import DAY, HOUR, MINUTE
from tradewind_simulator.mechanisms.delivery.approvals import ApprovalParameters, Approvals
from tradewind_simulator.mechanisms.delivery.dispatch import Dispatch, DispatchParameters
from tradewind_simulator.mechanisms.delivery.handling import HandlingParameters
from tradewind_simulator.streams import Streams


def _handed(world: ParcelWorld, days: int, **capacity: int) -> dict[str, np.ndarray]:
    return joined([world.step(day, **capacity)[0] for day in range(days)])


def test_approval_takes_minutes_in_the_median_and_hours_in_the_mean() -> None:
    orders, at = np.arange(40_000), np.zeros(40_000, dtype=np.int64)
    taken = Approvals(ApprovalParameters(), Streams(1)).approved_at(orders, at)
    assert 15 * MINUTE < np.median(taken) < 30 * MINUTE
    assert 0.3 * DAY < taken.mean() < 0.5 * DAY
    assert (taken > 0).all()


def test_a_boleto_takes_days() -> None:
    orders, at = np.arange(10_000), np.zeros(10_000, dtype=np.int64)
    taken = Approvals(ApprovalParameters(), Streams(1)).approved_at(orders, at, np.ones(10_000, dtype=bool))
    assert 1.2 < np.median(taken) / DAY < 1.4


def test_patience_has_the_planted_hazard() -> None:
    orders, at = np.arange(200_000), np.zeros(200_000, dtype=np.int64)
    parameters = ApprovalParameters(cancelled_per_day=0.01, impatient_per_day=0.05, patience_days=5.0)
    waited = Approvals(parameters, Streams(1)).cancelled_at(orders, at) / DAY
    assert abs((waited < 5).mean() - (1 - np.exp(-0.05))) < 0.002
    assert abs((waited < 8).mean() - (1 - np.exp(-0.05 - 0.15))) < 0.003


def test_a_replicate_draws_another_way_and_none_is_the_real_one() -> None:
    world, numbers = ParcelWorld(), np.arange(1000)
    ones = np.ones(1000)
    real, again, other = (world.handling.dispatch.hours(numbers, 24 * ones, ones, ones, replicate=r) for r in (0, 0, 1))
    assert np.array_equal(real, again)
    assert abs(np.corrcoef(real, other)[0, 1]) < 0.1


def test_merchants_drop_on_workdays_within_hours_and_longer_work_never_ends_sooner() -> None:
    world = ParcelWorld()
    dispatch = Dispatch(DispatchParameters(), Streams(1), world.workdays, world.days)
    start = world.days.start(5)
    approved = start + np.repeat(np.arange(0, 40), 200) * 6 * HOUR
    hours = np.tile(np.linspace(0.0, 200.0, 200), 40)
    states = np.repeat(np.arange(40) % 3, 200)
    drops = dispatch.handed_over_at(approved, states, hours)
    days = world.days.of(drops)
    clock = (drops - world.workdays.starts(days)) / HOUR
    assert all(world.calendar.today(int(day)).is_workday[state] for day, state in zip(days, states, strict=True))
    assert ((clock >= 9.0) & (clock <= 19.0)).all()
    assert (drops >= approved).all()
    assert (np.diff(drops.reshape(40, 200), axis=1) >= 0).all()


def test_an_order_past_the_cut_off_begins_on_the_next_workday() -> None:
    world = ParcelWorld()
    saturday = world.days.start(5)
    before, after = (
        int(world.handling.dispatch.handed_over_at(np.array([saturday + hour * HOUR]), np.array([0]), np.array([1.0]))[0])
        for hour in (13, 15)
    )
    assert world.days.of(np.array([before]))[0] == 5
    assert world.days.of(np.array([after]))[0] == 7


def test_more_orders_than_usual_slow_a_merchant_down() -> None:
    dispatch = ParcelWorld().handling.dispatch
    load = dispatch.load(np.array([0.0, 4.0, 40.0]), np.array([2.0, 2.0, 2.0]))
    assert load[0] == load[1] == 1.0
    assert load[2] > 1.5


def test_each_parcel_is_handed_over_once_or_its_order_called_off() -> None:
    world = ParcelWorld(orders=50)
    numbers = np.concatenate([world.feed(world.calendar.today(day))[1].number for day in range(60)])
    handed = _handed(world, 60)
    entities = world.handling.shipments.parcels.entities
    cancelled = entities["number"][entities["cancelled_at"] < NEVER]
    waiting = entities["number"][(entities["handed_over_at"] == NEVER) & (entities["cancelled_at"] == NEVER)]
    assert len(np.unique(handed["number"])) == len(handed["number"])
    assert not np.intersect1d(handed["number"], cancelled).size
    assert set(handed["number"]) | set(cancelled) | set(waiting) == set(numbers)
    assert 0 < len(cancelled) < 0.03 * len(numbers)


def test_the_fulfilment_centre_takes_the_first_approved_first_and_no_more_than_it_can() -> None:
    world = ParcelWorld(orders=120)
    for day in range(12):
        world.step(day, pick=4)
        work = world.handling.fulfilment_work
        assert (work.done <= 4 + 1).all()
    entities = world.handling.shipments.parcels.entities
    is_fulfilled = (entities["warehouse"] == 1) & (entities["cancelled_at"] == NEVER) & (entities["patience_at"] > world.days.start(12))
    left, handed = (is_fulfilled & (entities["handed_over_at"] == NEVER)), is_fulfilled & (entities["handed_over_at"] < NEVER)
    assert work.backlog[1] > 0
    assert entities["approved_at"][handed].max() <= entities["approved_at"][left].min()


def test_backlogs_balance_each_day() -> None:
    world, before = ParcelWorld(orders=120), np.zeros(2, dtype=np.int64)
    for day in range(15):
        world.step(day, pick=6)
        work = world.handling.fulfilment_work
        assert np.array_equal(work.backlog, before + work.arrived - work.done)
        assert (work.done >= 0).all()
        before = work.backlog


def test_fewer_hands_only_make_parcels_later() -> None:
    many, few = (_handed(ParcelWorld(orders=120), 20, pick=pick) for pick in (1000, 5))
    common, at_many, at_few = np.intersect1d(many["number"], few["number"], return_indices=True)
    assert len(few["number"]) < len(many["number"])
    assert (few["handed_over_at"][at_few] >= many["handed_over_at"][at_many]).all()
    assert (few["handed_over_at"][at_few] > many["handed_over_at"][at_many]).any()
    assert len(common) > 1000


def test_rows_know_nothing_before_its_time() -> None:
    world = ParcelWorld(orders=80)
    for day in range(25):
        world.step(day)
        end = (world.days.utc_day(day) + 1) * DAY
        for ledger in (world.handling.shipments.orders, world.handling.shipments.parcels):
            rows = pa.table(dict(ledger.changed(end - DAY, end))).to_pylist()
            assert rows
            for row in rows:
                milestones = [row[column] for column in row if column.endswith("_at") and column not in ("promised_at", "ship_by_at")]
                assert max(at.timestamp() for at in milestones if at) < end
                assert row.get("ship_by_at") is None or row["approved_at"] is not None
                assert not (row["cancelled_at"] and row.get("handed_over_at"))


def test_closed_rows_are_let_go_of() -> None:
    world = ParcelWorld(orders=40)
    for day in range(80):
        world.step(day)
        end = (world.days.utc_day(day) + 1) * DAY
        for ledger in (world.handling.shipments.orders, world.handling.shipments.parcels):
            ledger.changed(end - DAY, end)
    parcels, orders = (ledger.entities for ledger in (world.handling.shipments.parcels, world.handling.shipments.orders))
    assert len(parcels) < 40 * 1.1 * 25
    assert len(orders) < 40 * 15


def test_an_order_of_an_earlier_day_is_refused() -> None:
    world = ParcelWorld()
    orders, parcels = world.feed(world.calendar.today(3))
    with pytest.raises(ValueError, match="before the day began"):
        world.handling.take(world.calendar.today(4), orders, parcels, world.merchants)


def test_impossible_parameters_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="boleto_share"):
        ApprovalParameters(boleto_share=1.5)
    with pytest.raises(ValidationError, match="closes_hour"):
        DispatchParameters(opens_hour=12.0, closes_hour=10.0)
    with pytest.raises(ValidationError, match="usual_days"):
        HandlingParameters(usual_days=0.0)


def test_going_on_from_a_checkpoint_changes_nothing() -> None:
    whole, first, second = ParcelWorld(), ParcelWorld(), ParcelWorld()
    expected = joined([whole.step(day, pick=5)[0] for day in range(16)][10:])
    for day in range(10):
        first.step(day, pick=5)
    second.handling.restore(first.handling.arrays())
    second.exports.restore(first.exports.waiting(), first.exports.arrays())
    second.last_mile.restore(first.last_mile.arrays())
    second.reviews.restore(first.reviews.arrays())
    second.travelling = first.travelling
    found = joined([second.step(day, pick=5)[0] for day in range(10, 16)])
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
    assert len(second.handling.arrays()["usual"]) == MERCHANTS
