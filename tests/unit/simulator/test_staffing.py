"""People follow the volume with a lag, a campaign builds backlogs, and what a site did adds up."""

import datetime as dt
from collections import defaultdict

import numpy as np
import pytest
from network_feed import Feed
from pydantic import ValidationError

from tradewind_simulator.mechanisms.transport.shifts import Roster, ShiftsParameters
from tradewind_simulator.mechanisms.transport.staffing import StaffingParameters
from tradewind_simulator.streams import Stream

BUSY = 1_200
PEAK = range(38, 45)


def peak(day):
    return 2.5 if day in PEAK else 1.0


@pytest.fixture(scope="module")
def busy():
    feed = Feed(parcels=BUSY, first=dt.date(2024, 8, 1))
    feed.days = []
    sort = feed.post("sort")
    for day in range(58):
        feed.day(day, peak(day))
        s = feed.staffing
        level = feed.network.level[s.posts.hub[sort]]
        feed.days.append(
            [(s._arrived[sort][level == k].sum(), s.capacity[sort][level == k].sum(), s._backlog[sort][level == k].sum()) for k in (0, 1)]
        )
    return feed


def test_ordinary_weeks_are_busy_but_have_short_queues(busy):
    week = np.array(busy.days[29:36], dtype=float).sum(axis=0)
    for arrived, capacity, backlog in week:
        assert 0.6 < arrived / capacity < 0.95
        assert backlog / arrived < 0.15, "mean backlog, in days"


def test_a_campaign_builds_backlogs_that_take_days(busy):
    usual = np.array(busy.days[29:36], dtype=float)[:, 0, 0].mean()
    backlog = np.array([day[0][2] for day in busy.days]) / usual
    assert backlog[PEAK.start : PEAK.stop + 5].max() > 0.5
    assert (backlog[PEAK.start :] > 0.2).sum() >= 4, "it lasts"


def test_shifts_add_up_and_come_after_the_day():
    feed = Feed(parcels=80, keep_rows=True)
    feed.run(12)
    rows = feed.rows("shifts_daily")
    left = defaultdict(int)
    for row in rows:
        key = row["warehouse_id"], row["task"]
        assert row["backlog_units_count"] == left[key] + row["arrived_units_count"] - row["done_units_count"]
        left[key] = row["backlog_units_count"]
        assert row["present_people_count"] <= row["planned_people_count"]
        assert (row["tenure_days_mean"] is None) == (row["present_people_count"] == 0)
        end = feed.surroundings.days.start((row["date"] - feed.surroundings.days.first).days + 1)
        assert end < row["recorded_at"].timestamp() < end + 6 * 3_600
    assert any(left.values())
    assert {row["task"] for row in rows} == {"pick", "pack", "sort", "deliver"}
    assert len(rows) == len(feed.truth("shifts"))


def test_warehouses_are_written_when_they_open_and_when_they_close():
    feed = Feed(parcels=40, intervene=["close_hub=H030@2024-01-06"])
    feed.run(6)
    rows = {(row["warehouse_id"], row["closed_at"]) for row in feed.rows("warehouses")}
    opened = {name for name, closed in rows if closed is None}
    closed = {name for name, closed in rows if closed is not None}
    assert set(feed.staffing.warehouse_ids) < opened
    assert closed == {f"W{len(feed.staffing.warehouse_ids) + 30:03d}"}
    assert closed < opened


def test_fewer_planned_people_make_longer_queues_and_change_no_persons_draws():
    worlds = {}
    for factor in (1.0, 0.6):
        feed = Feed(parcels=600, intervene=[f"staffing={factor}@2024-01-12"])
        backlog = 0
        for day in range(22):
            feed.day(day)
            backlog += feed.staffing._backlog[feed.post("sort")].sum() if day > 12 else 0
        worlds[factor] = feed, backlog
    assert worlds[0.6][1] > 2 * worlds[1.0][1]
    roster, same = worlds[1.0][0].staffing.roster, worlds[0.6][0].staffing.roster
    width = min(roster._hired.shape[1], same._hired.shape[1])
    both = (np.arange(width) < roster.count[:, None]) & (np.arange(width) < same.count[:, None])
    assert both.any()
    np.testing.assert_array_equal(roster._hired[:, :width][both], same._hired[:, :width][both])


@pytest.mark.parametrize("parcels", [20, 4_000])
def test_every_open_floor_has_capacity_at_any_scale(parcels):
    feed = Feed(parcels=parcels)
    for day in range(6):
        feed.day(day)
        is_open = feed.network.is_open(day)
        assert np.all(feed.staffing.sort_cumulative[is_open, -1] >= 1)
        assert not feed.staffing.sort_cumulative[~is_open].any()
        assert np.all(np.diff(feed.staffing.sort_cumulative, axis=1) >= 0)
        assert np.all(feed.staffing.fulfilment_capacity >= 1)
        depots = is_open & (feed.network.level == 2)
        works = feed.calendar.today(day).is_workday[feed.network.hub_state]
        assert np.all(feed.staffing.courier_capacity[depots & works] >= 1)
        assert not feed.staffing.courier_capacity[~(depots & works)].any()


def test_a_backlog_that_does_not_add_up_is_refused():
    feed = Feed(parcels=40)
    feed.staffing.plan(feed.calendar.today(0))
    hubs = len(feed.network.hub_ids)
    one = np.zeros(hubs, dtype=np.int64)
    with pytest.raises(ValueError, match="sort at W006"):
        feed.staffing.record("sort", one, one, one + np.eye(1, hubs, dtype=np.int64)[0])


def roster(parameters=None, posts=3, people=400):
    made = Roster(parameters or ShiftsParameters(), Stream(1, "shifts"), np.arange(posts) * 8)
    made.open(np.arange(posts), np.full(posts, people), 0)
    return made


def test_newcomers_are_slower_by_wrights_curve():
    p = ShiftsParameters()
    speed = roster().learned(np.array([0, 5, 10, 20, 60, 900]))
    np.testing.assert_allclose(speed[2] / speed[1], 2**0.322)
    np.testing.assert_allclose(speed[[4, 5]], 1.0)
    assert speed[0] == speed[1] == (p.first_days / p.full_days) ** 0.322


def test_absence_comes_at_its_probability_and_the_least_always_come():
    made = roster(people=2_000)
    came = made.attend(np.full(3, 2_000), np.array([0.05, 0.3, 0.3]), np.array([1, 1, 1_900]), 5).people / 2_000
    assert abs(came[0] - 0.95) < 0.02
    assert abs(came[1] - 0.7) < 0.04
    assert came[2] >= 0.95


def test_the_last_hired_leave_first_and_newcomers_start_fresh():
    made = roster(ShiftsParameters(quits_yearly=0.0), people=5)
    before = made._hired.copy()
    made.resize(np.array([3, 5, 8]), 10)
    np.testing.assert_array_equal(made._hired[0, :3], before[0, :3])
    np.testing.assert_array_equal(made._hired[1, :5], before[1, :5])
    np.testing.assert_array_equal(made._hired[2, 5:8], 11)
    assert made.attend(made.count, np.zeros(3), np.zeros(3, dtype=np.int64), 12).people.tolist() == [3, 5, 8]


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"least_people": 0}, "least_people"),
        ({"least_people": 1, "least_couriers": 2}, "more couriers than people"),
        ({"sort_per_hour": 0}, "sort_per_hour"),
        ({"stops_per_hour": -1}, "stops_per_hour"),
        ({"target_utilisation": 0}, "target_utilisation"),
        ({"sort_opens_hour": 20, "sort_closes_hour": 8}, "no capacity"),
        ({"shift_hours": 11}, "shift_hours"),
        ({"shifts": {"absence": 1.0}}, "absence"),
    ],
)
def test_impossible_parameters_are_refused(wrong, name):
    with pytest.raises(ValidationError, match=name):
        StaffingParameters(**wrong)
