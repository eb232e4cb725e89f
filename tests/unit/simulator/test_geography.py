"""Postal areas: where they lie, and that demand and distances are those of the public figures."""

import itertools

import numpy as np
import pytest
from bare_world import bare_world
from pydantic import ValidationError

from tradewind_simulator.mechanisms.places.brazil import CITIES, STATES
from tradewind_simulator.mechanisms.places.geography import Geography, GeographyParameters, great_circle_km


@pytest.fixture(scope="module")
def geography():
    return Geography(GeographyParameters(), bare_world())


def share(geography, weight, *states):
    return sum(weight[geography.area_state == geography.states.index(state)].sum() for state in states)


def test_every_state_has_cities_and_no_two_cities_share_a_postal_range():
    assert len(STATES) == 27
    assert {city.state for city in CITIES} == {state.code for state in STATES}
    ranges = sorted((low, high) for city in CITIES for low, high in city.prefixes)
    assert all(low <= high for low, high in ranges)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(ranges))


def test_postal_areas_are_unique_ascending_and_of_five_digits(geography):
    assert list(geography.area_ids) == sorted(set(geography.area_ids))
    assert all(len(area) == 5 and area.isdigit() for area in geography.area_ids)
    assert 800 <= len(geography.area_ids) <= 1_200


@pytest.mark.parametrize("orders_per_day", [5, 100_000])
def test_every_state_keeps_its_areas_at_any_scale(orders_per_day):
    places = Geography(GeographyParameters(), bare_world(orders_per_day=orders_per_day))
    assert set(places.area_state) == set(range(27))
    assert (np.bincount(places.area_city) >= 2).all()


def test_an_area_lies_in_its_own_city_s_range_and_near_it(geography):
    for position, city in enumerate(CITIES):
        own = np.flatnonzero(geography.area_city == position)
        prefixes = geography.area_prefix[own]
        assert all(any(low <= prefix <= high for low, high in city.prefixes) for prefix in prefixes)
        away = great_circle_km(geography.area_lat[own], geography.area_lng[own], city.lat, city.lng)
        assert away.max() <= GeographyParameters().outskirts_km + 1
        assert away[~geography.area_is_outskirts[own]].max() <= 26


def test_outskirts_lie_on_the_side_of_the_state_s_middle(geography):
    far = np.flatnonzero(geography.area_is_outskirts)
    middles = np.array([(state.lat, state.lng) for state in STATES])[geography.area_state[far]]
    city = geography.area_city[far]
    shift = np.deg2rad(geography.city_lat[city])
    out = (geography.area_lat[far] - geography.city_lat[city], (geography.area_lng[far] - geography.city_lng[city]) * np.cos(shift))
    inland = (middles[:, 0] - geography.city_lat[city], (middles[:, 1] - geography.city_lng[city]) * np.cos(shift))
    assert (out[0] * inland[0] + out[1] * inland[1] > 0).all()


def test_prefixes_of_three_digits_are_pieces_of_land(geography):
    prefix = geography.area_prefix // 100
    same = prefix[1:] == prefix[:-1]
    near = geography.distance_km(np.arange(len(prefix) - 1), np.arange(1, len(prefix)))
    shuffled = np.random.default_rng(1).permutation(len(prefix))
    assert np.median(near[same]) < 25 < np.median(geography.distance_km(np.arange(len(prefix)), shuffled))


def test_within_a_city_neighbouring_prefixes_are_neighbours(geography):
    own = np.flatnonzero((geography.area_city == geography.city_names.index("São Paulo")) & ~geography.area_is_outskirts)
    shuffled = np.random.default_rng(2).permutation(own)
    assert geography.distance_km(own[:-1], own[1:]).mean() < 0.75 * geography.distance_km(own, shuffled).mean()


def test_merchants_sit_in_cities_more_than_customers(geography):
    far = geography.area_is_outskirts
    assert geography.origin_weight[far].sum() < 0.7 * geography.area_weight[far].sum() < 0.25


def test_demand_and_merchants_are_spread_as_in_the_public_figures(geography):
    assert geography.area_weight.sum() == pytest.approx(1)
    assert geography.origin_weight.sum() == pytest.approx(1)
    assert share(geography, geography.area_weight, "SP") == pytest.approx(0.42, abs=0.01)
    assert share(geography, geography.area_weight, "RJ") == pytest.approx(0.13, abs=0.01)
    assert share(geography, geography.area_weight, "MG") == pytest.approx(0.12, abs=0.01)
    assert share(geography, geography.area_weight, "PR", "SC", "RS") == pytest.approx(0.14, abs=0.01)
    assert share(geography, geography.origin_weight, "SP") == pytest.approx(0.70, abs=0.02)


@pytest.mark.parametrize("seed", [1, 7, 23])
def test_merchants_and_customers_are_as_far_apart_as_olist_s(seed):
    places = Geography(GeographyParameters(), bare_world(seed=seed))
    draw = np.random.default_rng(3)
    origins = draw.choice(len(places.area_ids), 50_000, p=places.origin_weight)
    ends = draw.choice(len(places.area_ids), 50_000, p=places.area_weight)
    km = places.distance_km(origins, ends)
    assert km.mean() == pytest.approx(607, rel=0.08)
    assert np.median(km) == pytest.approx(440, rel=0.08)
    assert np.quantile(km, 0.9) == pytest.approx(1_463, rel=0.08)


def test_distance_is_the_great_circle(geography):
    assert great_circle_km(0.0, 0.0, 0.0, 90.0) == pytest.approx(10_007.6, abs=1)
    assert great_circle_km(-23.55, -46.63, -22.91, -43.17) == pytest.approx(361, abs=3)
    some = np.arange(20)
    assert np.array_equal(geography.distance_km(some, some[::-1]), geography.distance_km(some[::-1], some))


def test_the_same_seed_lays_the_same_areas_and_another_seed_others(geography):
    again = Geography(GeographyParameters(), bare_world())
    assert np.array_equal(again.area_lat, geography.area_lat)
    assert np.array_equal(again.area_weight, geography.area_weight)
    assert Geography(GeographyParameters(), bare_world(seed=8)).area_ids != geography.area_ids


def test_positions_finds_prefixes_and_says_which_are_not_there(geography):
    wanted = geography.area_prefix[[3, 500, -1]]
    assert geography.positions(wanted).tolist() == [3, 500, len(geography.area_ids) - 1]
    assert geography.positions(np.array([0, 99_999])).tolist() == [-1, -1]


def test_postal_areas_are_written_on_the_first_day_inside_brazil():
    world = bare_world()
    places = Geography(GeographyParameters(), world)
    places.export()
    rows = world.exports.waiting()["postal_areas"]
    assert rows.column("postal_area_id").to_pylist() == list(places.area_ids)
    assert set(rows.column("_at_seconds").to_pylist()) == {world.days.start(0)}
    assert min(rows.column("points_count").to_pylist()) >= 1
    lat, lng = rows.column("lat").to_numpy(), rows.column("lng").to_numpy()
    assert lat.min() > -34
    assert lat.max() < 5.5
    assert lng.min() > -74
    assert lng.max() < -34.7


@pytest.mark.parametrize("impossible", [{"areas_count": 0}, {"outskirts_share": 1.0}, {"city_radius_km": -1}, {"unheard_of": 1}])
def test_impossible_parameters_are_refused_by_name(impossible):
    with pytest.raises(ValidationError, match=next(iter(impossible))):
        GeographyParameters(**impossible)
