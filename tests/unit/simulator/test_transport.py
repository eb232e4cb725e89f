"""Parcels find their way, whatever goes wrong on it, and nothing but what is planted decides how long it takes."""

import itertools
from collections import defaultdict

import numpy as np
import pytest
from network_feed import Feed
from pydantic import ValidationError

from tradewind_simulator.days import HOUR, MINUTE
from tradewind_simulator.flows import HandOvers
from tradewind_simulator.mechanisms.transport.legs import LegParameters, Legs, travel_seconds
from tradewind_simulator.mechanisms.transport.transport import TransportParameters
from tradewind_simulator.streams import Stream


@pytest.fixture(scope="module")
def world():
    feed = Feed(parcels=120, keep_rows=True)
    feed.handed, feed.came = {}, {}
    for _, given, arrivals in feed.run(45, factor=lambda day: 1.0 if day < 20 else 0.0):
        feed.handed.update(zip(given.number.tolist(), given.destination_area.tolist(), strict=True))
        feed.came.update(zip(arrivals.number.tolist(), arrivals.depot.tolist(), strict=True))
    feed.scanned, feed.legs, feed.shifts = feed.rows("scan_events"), feed.truth("legs"), feed.rows("shifts_daily")
    return feed


def test_every_parcel_is_somewhere_and_comes_to_the_depot_of_its_area(world):
    under_way = set(world.transport.parcels["number"].tolist())
    assert not under_way & world.came.keys()
    assert under_way | world.came.keys() == world.handed.keys()
    assert len(world.came) > 0.95 * len(world.handed)
    depot = world.network.depot_of_area(0)
    assert all(world.came[number] == depot[world.handed[number]] for number in world.came)


def test_a_parcel_is_scanned_in_order_at_each_hub_and_at_one_hub_a_day(world):
    legs = defaultdict(list)
    for row in world.legs:
        legs[row["parcel_id"]].append(row)
    for rows in legs.values():
        rows.sort(key=lambda row: row["hop"])
        assert [row["hop"] for row in rows] == list(range(len(rows)))
        for before, after in itertools.pairwise(rows):
            assert before["to_hub_id"] == after["from_hub_id"]
            night = (before["departed_at"].timestamp() // 3_600 + 1) * 3_600
            assert before["arrived_at"].timestamp() >= night, "on a later day"
            assert after["departed_at"] is None or after["departed_at"] > before["arrived_at"]
        assert all(row["queue_hours"] > 0 for row in rows)


def test_scans_tell_of_arrival_sorting_and_departure_in_that_order(world):
    scans = defaultdict(dict)
    odd = {row["scan_id"] for row in world.truth("scans")}
    for row in world.scanned:
        if row["scan_id"] not in odd and int(row["scan_id"][1:]) % 256 < 128:
            scans[row["parcel_id"]][int(row["scan_id"][1:]) % 256] = row
    kinds = {0: ("picked_up", "arrived"), 1: ("sorted",), 2: ("departed",)}
    for by_ordinal in scans.values():
        rows = [by_ordinal[ordinal] for ordinal in sorted(by_ordinal)]
        assert all(a["occurred_at"] < b["occurred_at"] for a, b in itertools.pairwise(rows))
        for ordinal, row in by_ordinal.items():
            assert row["event"] in kinds[ordinal % 3]
            assert (row["event"] == "picked_up") == (ordinal == 0)
            assert (row["next_hub_id"] is not None) == (row["event"] == "departed")


def _legs(parameters: LegParameters, stream: Stream) -> Legs:
    """Six hubs, two of each level, all in São Paulo but the last."""
    return Legs(parameters, stream, np.array([0, 0, 1, 1, 2, 2]), ["SP"] * 5 + ["RJ"])


def test_parcels_wait_longer_at_slow_hubs_and_when_held_up():
    number, hop = np.arange(50_000), np.zeros(50_000, dtype=np.int64)

    def mean(hub: int, **changes: float) -> float:
        parameters = LegParameters(**{"stays_spread": 0.0, "held": 0.0, **changes})
        return float(_legs(parameters, Stream(3, "legs")).nights(number, hop, np.full(len(number), hub)).mean())

    stay = LegParameters().stays[2]
    assert mean(4) == pytest.approx(stay / (1 - stay), rel=0.03)
    assert mean(5) > 1.3 * mean(4)
    assert mean(4, held=0.1, held_days=10.0) == pytest.approx(mean(4) + 1.0, rel=0.1)
    assert mean(4, stays_spread=0.5) != mean(4)


def test_leg_times_follow_the_planted_law():
    stream, parameters = Stream(3, "legs"), LegParameters(ratio_mu=0.0)
    ratio = _legs(parameters, stream).ratio(np.arange(200_000), np.zeros(200_000, dtype=np.int64))
    np.testing.assert_allclose(np.quantile(ratio, [0.05, 0.5, 0.95]), [1.24, 2.0, 5.25], rtol=0.02)
    one = np.ones(1)
    assert travel_seconds(one * 600, one * 2, one * 1.5)[0] == 600 * 60 * 3
    assert travel_seconds(one, one, one)[0] == 10 * MINUTE


def test_actual_over_planned_time_is_as_in_the_public_trips(world):
    legs = [row for row in world.legs if row["to_hub_id"] is not None and row["planned_minutes"] > 90]
    ratio = [(row["arrived_at"] - row["departed_at"]).total_seconds() / 60 / row["planned_minutes"] for row in legs]
    low, median, high = np.quantile(ratio, [0.05, 0.5, 0.95])
    assert 1.1 < low < 1.4
    assert 1.85 < median < 2.15
    assert 4.2 < high < 6.2


def test_missorts_come_at_the_planted_rate_and_the_parcel_still_arrives(world):
    wrong = [row for row in world.legs if row["is_missort"]]
    legs = [row for row in world.legs if row["to_hub_id"] is not None]
    assert abs(len(wrong) / len(legs) - 0.01) < 4 * np.sqrt(0.01 / len(legs))
    assert wrong
    assert sum(int(row["parcel_id"][1:]) in world.came for row in wrong) > 0.7 * len(wrong)


def test_no_draw_depends_on_which_other_parcels_there_are():
    calm = TransportParameters(legs=LegParameters(missort=0.05))
    whole, half = Feed(parcels=60, transport=calm), Feed(parcels=60, transport=calm)
    ready = [{}, {}]
    for day in range(12):
        given = whole.handovers(whole.calendar.today(day)) if day < 3 else HandOvers(*[np.zeros(0, dtype=np.int64)] * 5)
        for feed, into, chosen in ((whole, ready[0], slice(None)), (half, ready[1], slice(None, None, -2))):
            some = HandOvers(*(getattr(given, name)[chosen] for name in HandOvers.__dataclass_fields__))
            _, _, arrivals = feed.day(day, handovers=some)
            into.update(zip(arrivals.number.tolist(), feed.calendar.today(day).number + 0 * arrivals.number, strict=True))
    both = ready[0].keys() & ready[1].keys()
    assert len(both) > 20
    same = sum(ready[0][number] == ready[1][number] for number in both)
    assert same >= 0.95 * len(both), "but for turns in a queue, a parcel goes the same way with or without the others"


def test_a_closed_hub_is_left_and_takes_nothing_in():
    feed = Feed(parcels=150, intervene=["close_hub=H030@2024-01-16"], keep_rows=True)
    came = sum(len(arrivals.number) for *_, arrivals in feed.run(14))
    closed = feed.network.hub_ids.index("H030")
    assert (feed.transport.parcels["hub"] == closed).any(), "the hub matters"
    feed.rows("scan_events")
    given = 0
    for day in range(14, 60):
        _, _, arrivals = feed.day(day, 0.0)
        given += len(arrivals.number)
        assert not (arrivals.depot == closed).any()
    seen = {
        row["event"]
        for row in feed.rows("scan_events")
        if row["hub_id"] == "H030" and row["occurred_at"].timestamp() > feed.surroundings.days.start(16)
    }
    assert seen <= {"departed"}
    assert len(feed.transport.parcels) < 0.05 * (came + given)
    assert not (feed.transport.parcels["hub"] == closed).any()


def test_an_overflowing_hub_is_passed_by():
    legs = _legs(LegParameters(reroute=1.0, missort=0.0), Stream(1, "legs"))
    number, hop = np.arange(6), np.zeros(6, dtype=np.int64)
    following, alternate = np.full(6, 1), np.array([2, 2, 2, -1, 2, 2])
    overflows = np.array([True, False, True, True, False, True])
    neighbours = np.tile([1, 2, 3], (6, 1))
    sent = legs.send(number, hop, following, alternate, overflows, neighbours, np.full(6, 3))
    assert sent.to.tolist() == [2, 1, 2, 1, 1, 2]
    assert sent.is_reroute.tolist() == [True, False, True, False, False, True]
    tired = legs.send(number, hop + 10, following, alternate, overflows, neighbours, np.full(6, 3))
    assert tired.to.tolist() == [1] * 6


def test_a_missort_goes_to_a_hub_that_was_not_meant():
    legs = _legs(LegParameters(missort=0.5), Stream(1, "legs"))
    count = 4_000
    sent = legs.send(
        np.arange(count), np.zeros(count, dtype=np.int64), np.full(count, 4), np.full(count, -1), np.zeros(count, dtype=bool),
        np.tile([3, 4, 5, -1], (count, 1)), np.full(count, 3),
    )  # fmt: skip
    assert set(sent.to[sent.is_missort].tolist()) == {3, 5}
    assert set(sent.to[~sent.is_missort].tolist()) == {4}
    assert abs(sent.is_missort.mean() - 0.5) < 0.04


def test_the_remembered_waits_are_what_parcels_waited(world):
    ids = {name: position for position, name in enumerate(world.network.hub_ids)}
    arrived = {(row["parcel_id"], row["hop"] + 1): row["arrived_at"].timestamp() for row in world.legs if row["to_hub_id"]}
    rows = [row for row in world.legs if (row["parcel_id"], row["hop"]) in arrived]
    hub = np.array([ids[row["from_hub_id"]] for row in rows])
    at = np.array([arrived[row["parcel_id"], row["hop"]] for row in rows]).astype(np.int64)
    waited = np.array([row["queue_hours"] for row in rows])
    told = world.transport.waits.hours(hub, at)
    assert np.isfinite(told).all()
    assert np.mean(np.abs(told - waited)) < 0.5
    assert np.corrcoef(told, waited)[0, 1] > 0.95


def test_a_checkpoint_goes_on_as_if_nothing_had_happened():
    through, first = Feed(parcels=60, keep_rows=True), Feed(parcels=60, keep_rows=True)
    through.run(9)
    first.run(6)
    later = Feed(parcels=60, keep_rows=True)
    later.restore(first.arrays())
    later.run(9, since=6)
    for table in ("scan_events", "shifts_daily"):
        whole = through.rows(table)
        assert whole == first.rows(table) + later.rows(table)
    assert through.truth("legs") == first.truth("legs") + later.truth("legs")
    for name, values in through.transport.arrays().items():
        np.testing.assert_array_equal(values, later.transport.arrays()[name], err_msg=name)


@pytest.mark.parametrize(
    "wrong", [{"missort": -0.1}, {"ratio_sigma": 0}, {"stays": (1.0, 0.5, 0.5)}, {"stays": (0.5, -0.1, 0.5)}, {"overflow_days": 0}]
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        LegParameters(**wrong)


def test_parcels_leave_at_night_and_on_workdays(world):
    starts = np.array([world.surroundings.days.start(day) for day in range(60)])
    moved = [row for row in world.legs if row["departed_at"] is not None]
    at = np.array([row["departed_at"].timestamp() for row in moved])
    day = np.searchsorted(starts, at, side="right") - 1
    seconds = at - starts[day]
    assert np.all((seconds >= 23 * HOUR) & (seconds < 24 * HOUR))
    states = [world.network.hub_state[world.network.hub_ids.index(row["from_hub_id"])] for row in moved]
    assert all(world.calendar.today(int(d)).is_workday[state] for d, state in zip(day, states, strict=True))
