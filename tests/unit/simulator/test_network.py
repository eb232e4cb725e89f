"""Hubs, lanes and routes: held against a slow oracle, through openings, closings and levers."""

import datetime as dt
import heapq
import itertools

import numpy as np
import pytest
from bare_world import bare_world
from pydantic import ValidationError

from tradewind_contracts.errors import SettingsError
from tradewind_simulator.mechanisms.places.calendar import Calendar, CalendarParameters
from tradewind_simulator.mechanisms.places.geography import Geography, GeographyParameters
from tradewind_simulator.mechanisms.places.hubs import LOCAL, NATIONAL, REGIONAL
from tradewind_simulator.mechanisms.places.network import NEVER_CLOSES, Network, NetworkParameters
from tradewind_simulator.mechanisms.places.routes import plan
from tradewind_simulator.mechanisms.places.weather import Weather, WeatherParameters

PARAMETERS = NetworkParameters()
DAYS = (0, 119, 120, 200, 205, 250, 260, 295, 360)


def network_of(world, **parameters):
    return Network(NetworkParameters(**parameters), world, Geography(GeographyParameters(), world))


@pytest.fixture(scope="module")
def network():
    return network_of(bare_world())


@pytest.fixture(scope="module")
def written():
    """All rows of hubs and lanes of a year, in order of writing, and the network that wrote them."""
    world = bare_world()
    network = network_of(world)
    calendar = Calendar(CalendarParameters(), world, Weather(WeatherParameters(), world))
    for day in range(366):
        network.step(calendar.today(day))
    rows = world.exports.waiting()
    return network, world, rows["hubs"].to_pylist(), rows["lanes"].to_pylist()


def depots(network, day):
    return np.flatnonzero(network.is_open(day) & (network.level == LOCAL))


def test_every_state_has_a_regional_hub_and_a_depot_at_any_scale():
    for orders_per_day in (5, 20_000):
        network = network_of(bare_world(orders_per_day=orders_per_day))
        assert (network.level == NATIONAL).sum() == 4
        for level in (REGIONAL, LOCAL):
            assert set(network.hub_state[network.is_open(0) & (network.level == level)]) == set(range(27))


def test_hubs_hang_on_one_of_the_level_above(network):
    assert (network.parent[network.level == NATIONAL] == -1).all()
    for level in (REGIONAL, LOCAL):
        own = network.level == level
        assert (network.level[network.parent[own]] == level - 1).all()
    local = network.level == LOCAL
    assert (network.hub_state[network.parent[local]] == network.hub_state[local]).all()


@pytest.mark.parametrize("day", DAYS)
def test_from_every_hub_every_open_depot_is_reached_over_valid_lanes(network, day):
    ends = depots(network, day)
    starts = np.flatnonzero(network.is_open(day))
    at, end = (grid.ravel() for grid in np.meshgrid(starts, ends, indexing="ij"))
    valid, following = network.is_valid(day), network.next_hub(day)
    for _ in range(12):
        moving = at != end
        onward = following[at[moving], end[moving]]
        assert (onward >= 0).all()
        assert valid[at[moving], onward].all()
        assert ((network.level[onward] < LOCAL) | (onward == end[moving])).all(), "no way passes through a depot"
        at[moving] = onward
    assert (at == end).all()


def test_routes_are_the_quickest_of_a_slow_oracle():
    draw = np.random.default_rng(5)
    for _ in range(15):
        count = 9
        is_depot = np.arange(count) >= 5
        minutes = np.where(draw.random((count, count)) < 0.35, draw.integers(30, 900, (count, count)), np.nan)
        np.fill_diagonal(minutes, np.nan)
        routes = plan(minutes, is_depot, 60.0, np.where(np.isnan(minutes), np.nan, 1.0))
        for end in np.flatnonzero(is_depot):
            best = quickest_to(int(end), minutes, is_depot, 60.0)
            for at in range(count):
                onward = routes.next_hub[at, end]
                if at == end or not np.isfinite(best[at]):
                    assert onward == -1
                else:
                    rest = 0.0 if onward == end else best[onward]
                    assert minutes[at, onward] + 60.0 + rest == pytest.approx(best[at])


def quickest_to(end, minutes, is_depot, hub_minutes):
    """Minutes from each hub to ``end``, by Dijkstra from the end backwards; only ``end`` and hubs that are no depots are entered."""
    best = np.full(len(minutes), np.inf)
    best[end] = 0.0
    waiting = [(0.0, end)]
    while waiting:
        reached, hub = heapq.heappop(waiting)
        if reached > best[hub] or (is_depot[hub] and hub != end):
            continue
        for before in np.flatnonzero(~np.isnan(minutes[:, hub])):
            longer = reached + minutes[before, hub] + hub_minutes
            if longer < best[before]:
                best[before] = longer
                heapq.heappush(waiting, (longer, int(before)))
    return best


@pytest.mark.parametrize("day", [0, 205, 360])
def test_the_alternate_is_another_way_that_arrives_and_does_not_come_back(network, day):
    ends = depots(network, day)
    following, alternate, valid = network.next_hub(day), network.alternate_hub(day), network.is_valid(day)
    hubs = np.flatnonzero(network.is_open(day) & (network.level < LOCAL))
    found = 0
    for at in hubs:
        for end in ends[alternate[at, ends] >= 0]:
            found += 1
            step = alternate[at, end]
            assert step != following[at, end]
            assert valid[at, step]
            assert step == end or network.level[step] < LOCAL
            for _ in range(12):
                if step == end:
                    break
                assert step != at
                step = following[step, end]
            assert step == end
    assert found > 0.8 * len(hubs) * len(ends)


def test_an_alternate_never_leads_through_a_depot():
    minutes = np.full((4, 4), np.nan)
    for a, b in [(0, 1), (1, 3), (0, 2), (2, 3)]:
        minutes[a, b] = minutes[b, a] = 60.0
    routes = plan(minutes, np.array([False, False, True, True]), 0.0, np.ones((4, 4)))
    assert routes.next_hub[0, 3] == 1
    assert routes.alternate_hub[0, 3] == -1, "the other way is through depot 2"
    assert plan(minutes, np.array([False, False, False, True]), 0.0, np.ones((4, 4))).alternate_hub[0, 3] in (1, 2)


def test_planned_days_add_up_the_legs(network):
    day, minutes = 0, network.planned_minutes
    start, end = depots(network, day)[[0, -1]]
    total, at = 0.0, start
    while at != end:
        onward = network.next_hub(day)[at, end]
        total += max(1.0, (1_410 + 2.0 * minutes[at, onward]) // 1_440)
        at = onward
    assert network.planned_days(day)[start, end] == total
    assert network.planned_days(day)[start, start] == 0
    assert np.isnan(network.planned_days(day)[start, 0]), "the end is no depot"


def test_the_north_is_far_and_the_southeast_near(network):
    geography = network._geography
    days = network.planned_days(0)

    def between(origin, end):
        def of(state):
            return np.flatnonzero((network.hub_state == geography.states.index(state)) & (network.level == LOCAL) & network.is_open(0))

        return days[np.ix_(of(origin), of(end))].mean()

    assert between("SP", "SP") < 2.5
    assert between("SP", "RJ") < 4
    assert all(between("SP", state) > 9 for state in ("AM", "RR", "AP", "AC"))


def test_speeds_are_those_of_trucks_and_distances_those_of_roads(network):
    linked = ~np.isnan(network.distance_km)
    assert np.array_equal(linked, linked.T)
    speed = network.distance_km[linked] / network.planned_minutes[linked] * 60
    assert speed.min() >= 20
    assert speed.max() <= 120
    far = linked & (network._great_circle > 10)
    assert np.allclose(network.distance_km[far] / network._great_circle[far], 1.3, rtol=0.01)


def test_areas_are_served_by_the_nearest_open_depot_of_their_state(network):
    geography = network._geography
    for day in (0, 210):
        serving = network.depot_of_area(day)
        assert network.is_open(day)[serving].all()
        assert (network.hub_state[serving] == geography.area_state).all()


def test_a_regional_hub_opens_and_a_depot_closes_on_their_days(network):
    later = np.flatnonzero(network.opened_day > 0)
    closing = np.flatnonzero(network.closed_day < NEVER_CLOSES)
    assert network.level[later].tolist() == [REGIONAL]
    assert network.level[closing].tolist() == [LOCAL]
    assert network.is_open(119)[later].tolist() == [False]
    assert network.is_open(120)[later].tolist() == [True]
    assert (network.next_hub(120)[:, depots(network, 120)] == later[0]).any(), "the plan uses it"
    assert not (network.next_hub(119) == later[0]).any()
    moved = network.depot_of_area(199) == closing[0]
    assert moved.any()
    assert (network.depot_of_area(200)[moved] != closing[0]).all()
    assert np.array_equal(network.depot_of_area(200)[~moved], network.depot_of_area(199)[~moved])


def test_what_is_in_a_closed_hub_still_leaves_it(network):
    closed = int(np.flatnonzero(network.closed_day < NEVER_CLOSES)[0])
    for day in (200, 360):
        assert not network.is_valid(day)[:, closed].any(), "nothing goes in"
        assert (network.next_hub(day)[closed, depots(network, day)] >= 0).all()
    assert network.is_valid(205)[closed].any()
    assert not network.is_valid(200 + PARAMETERS.wind_down_days)[closed].any()


def test_the_rows_written_are_what_the_days_hold(written):
    network, world, hubs, lanes = written
    for day in (0, 100, 130, 205, 230, 260, 300, 365):
        start = dt.datetime.fromtimestamp(world.days.start(day), dt.UTC)
        state = {row["hub_id"]: row for row in hubs if row["_at_seconds"] <= world.days.start(day)}
        is_open = {name for name, row in state.items() if row["closed_at"] is None}
        assert is_open == {network.hub_ids[k] for k in np.flatnonzero(network.is_open(day))}
        known = {(row["lane_id"], row["valid_from_at"]): row for row in lanes if row["_at_seconds"] <= world.days.start(day)}
        running = sorted(lane for (lane, begin), row in known.items() if begin <= start and row["valid_until_at"] is None)
        assert running == sorted(
            f"{network.hub_ids[a]}-{network.hub_ids[b]}" for a, b in zip(*np.nonzero(network.is_valid(day)), strict=True)
        )


def test_no_row_tells_what_comes_later_and_intervals_of_a_lane_do_not_overlap(written):
    _, _, hubs, lanes = written
    for row in lanes:
        until = row["valid_until_at"]
        newest = row["valid_from_at"] if until is None else until
        assert int(newest.timestamp()) == row["_at_seconds"]
        assert until is None or until > row["valid_from_at"]
    for row in hubs:
        newest = row["opened_at"] if row["closed_at"] is None else row["closed_at"]
        assert int(newest.timestamp()) == row["_at_seconds"]
    final = {(row["lane_id"], row["valid_from_at"]): row for row in lanes}
    by_lane = {}
    for (lane, begin), row in sorted(final.items()):
        by_lane.setdefault(lane, []).append((begin, row["valid_until_at"]))
    assert any(len(spans) > 1 for spans in by_lane.values()), "some lane begins again"
    for spans in by_lane.values():
        assert all(before[1] is not None and before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_shutting_a_hub_changes_the_plan_from_that_day_on_and_nothing_before():
    plain = network_of(bare_world())
    hub = plain.hub_ids[int(np.flatnonzero(plain.level == REGIONAL)[0])]
    shut = network_of(bare_world(levers=[f"close_hub={hub}@2024-03-01"]))
    position, day = plain.hub_ids.index(hub), 60
    assert not shut.is_open(day)[position]
    assert not (shut.next_hub(day)[:, depots(shut, day)] == position).any()
    assert shut.hub_ids == plain.hub_ids
    assert np.array_equal(shut.next_hub(day - 1), plain.next_hub(day - 1))
    both = ~np.isnan(plain.planned_minutes)
    assert np.array_equal(shut.planned_minutes[both], plain.planned_minutes[both])


def test_a_depot_that_is_shut_twice_closes_on_the_earlier_day(network):
    closing = int(np.flatnonzero(network.closed_day < NEVER_CLOSES)[0])
    for date, day in (("2024-02-01", 31), ("2024-12-01", PARAMETERS.closing_day)):
        shut = network_of(bare_world(levers=[f"close_hub={network.hub_ids[closing]}@{date}"]))
        assert shut.closed_day[closing] == day


def test_a_hub_that_is_shut_before_the_world_begins_is_never_written():
    world = bare_world(levers=["close_hub=H006@2020-01-01"])
    shut = network_of(world)
    shut.step(Calendar(CalendarParameters(), world, Weather(WeatherParameters(), world)).today(0))
    assert "H006" not in world.exports.waiting()["hubs"].column("hub_id").to_pylist()


@pytest.mark.parametrize("hub", ["H999", "SaoPaulo"])
def test_an_unknown_hub_is_refused_by_its_name(hub):
    with pytest.raises(SettingsError, match=f"{hub}.*H001"):
        network_of(bare_world(levers=[f"close_hub={hub}@2024-03-01"]))


def test_shutting_all_sort_centres_is_refused(network):
    levers = [f"close_hub={network.hub_ids[k]}@2024-03-01" for k in np.flatnonzero(network.level < LOCAL)]
    with pytest.raises(SettingsError, match="can't be reached"):
        network_of(bare_world(levers=levers))


@pytest.mark.parametrize("impossible", [{"depots_count": 3}, {"local_kmh": 0}, {"detour": 0.9}, {"opening_day": 0}, {"lanes_share": 2}])
def test_impossible_parameters_are_refused_by_name(impossible):
    with pytest.raises(ValidationError, match=next(iter(impossible))):
        NetworkParameters(**impossible)


def test_lanes_begin_at_local_midnights(written):
    _, world, _, lanes = written
    begins = {int(row["valid_from_at"].timestamp()) for row in lanes}
    assert begins == {world.days.start(day) for day in (0, 120, 250, 295)}
