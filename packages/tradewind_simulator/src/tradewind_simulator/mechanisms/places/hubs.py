"""Hubs: where sort centres and depots stand."""

from dataclasses import dataclass

import numpy as np

from tradewind_simulator.flows import Flags
from tradewind_simulator.mechanisms.places.geography import Geography, great_circle_km
from tradewind_simulator.streams import Floats, Integers

NATIONAL, REGIONAL, LOCAL = 0, 1, 2

NATIONAL_CITIES = ("Cajamar", "Contagem", "Jaboatão dos Guararapes", "Anápolis")
"""Cities of the national sort centres. Chosen: where large Brazilian marketplaces have theirs."""
LATER_CITY = "Bauru"
"""City of the regional hub that opens while the world runs. Chosen: the middle of São Paulo's interior, far from the first."""
_REGIONAL_CITIES = {"SP": "Campinas"}
"""Cities of regional hubs that do not stand in the state's largest city. Chosen: Cajamar serves the metropolis already."""


@dataclass(frozen=True)
class Sites:
    """Hubs by position: nationals, regionals in order of state, the later regional, then depots by state and area."""

    level: Integers
    area: Integers
    city: Integers
    lat: Floats
    lng: Floats
    parent: Integers
    is_later: Flags
    closing: int
    """The depot that closes while the world runs; -1 where no state has three of them."""


def place(geography: Geography, depots_count: int) -> Sites:
    """National and regional hubs in their cities, ``depots_count`` depots where demand is."""
    cities = [geography.city_names.index(name) for name in (*NATIONAL_CITIES, *_regional_cities(geography), LATER_CITY)]
    areas = [_central_area(geography, city) for city in cities]
    depots, demand = _depots(geography, depots_count)
    area = np.concatenate([np.array(areas, dtype=np.int64), depots])
    level = np.full(len(area), LOCAL, dtype=np.int64)
    level[: len(cities)] = REGIONAL
    level[: len(NATIONAL_CITIES)] = NATIONAL
    is_later = np.zeros(len(area), dtype=bool)
    is_later[len(cities) - 1] = True
    lat, lng = geography.area_lat[area].round(4), geography.area_lng[area].round(4)
    closing = _closing(geography.area_state[depots], demand)
    return Sites(
        level=level,
        area=area,
        city=geography.area_city[area],
        lat=lat,
        lng=lng,
        parent=_parents(level, geography.area_state[area], is_later, lat, lng),
        is_later=is_later,
        closing=closing + len(cities) if closing >= 0 else -1,
    )


def _regional_cities(geography: Geography) -> list[str]:
    chosen = []
    for position, state in enumerate(geography.states):
        own = np.flatnonzero(geography.city_state == position)
        largest = own[np.argmax(geography.city_population[own])]
        chosen.append(_REGIONAL_CITIES.get(state, geography.city_names[largest]))
    return chosen


def _central_area(geography: Geography, city: int) -> int:
    own = np.flatnonzero(geography.area_city == city)
    away = great_circle_km(geography.area_lat[own], geography.area_lng[own], geography.city_lat[city], geography.city_lng[city])
    return int(own[np.argmin(away)])


def _depots(geography: Geography, count: int) -> tuple[Integers, Floats]:
    """Areas of the depots in order of state and area, and the demand of each."""
    states = len(geography.states)
    share = np.bincount(geography.area_state, weights=geography.area_weight, minlength=states) ** 0.7
    counts = 1 + _rounded(share / share.sum(), count - states)
    areas, demand = [], []
    for state in range(states):
        own = np.flatnonzero(geography.area_state == state)
        chosen = _centres(geography, own, int(counts[state]))
        areas.append(chosen)
        nearest = np.argmin(_distances(geography, own, chosen), axis=1)
        demand.append(np.bincount(nearest, weights=geography.area_weight[own], minlength=len(chosen)))
    return np.concatenate(areas), np.concatenate(demand)


def _rounded(shares: Floats, count: int) -> Integers:
    """``count`` seats by shares, largest remainders first."""
    exact = shares * count
    seats = np.floor(exact).astype(np.int64)
    seats[np.argsort(seats - exact, kind="stable")[: count - int(seats.sum())]] += 1
    return seats


def _centres(geography: Geography, own: Integers, count: int) -> Integers:
    """Ascending positions of the areas nearest to the centres of ``count`` clusters: Lloyd's algorithm, weighted by demand.

    It begins with the areas of largest demand times distance to those chosen before.
    """
    weight = geography.area_weight[own]
    chosen = [int(own[np.argmax(weight)])]
    while len(chosen) < min(count, len(own)):
        chosen.append(int(own[np.argmax(weight * _distances(geography, own, np.array(chosen)).min(axis=1))]))
    centres = np.array(chosen, dtype=np.int64)
    for _ in range(10):
        nearest = np.argmin(_distances(geography, own, centres), axis=1)
        mass = np.maximum(np.bincount(nearest, weights=weight, minlength=len(centres)), 1e-12)
        lat = np.bincount(nearest, weights=weight * geography.area_lat[own], minlength=len(centres)) / mass
        lng = np.bincount(nearest, weights=weight * geography.area_lng[own], minlength=len(centres)) / mass
        away = great_circle_km(geography.area_lat[own][:, np.newaxis], geography.area_lng[own][:, np.newaxis], lat, lng)
        centres = own[np.argmin(away, axis=0)]
    return np.unique(centres)


def _distances(geography: Geography, areas: Integers, to: Integers) -> Floats:
    return geography.distance_km(areas[:, np.newaxis], to[np.newaxis, :])


def _closing(state: Integers, demand: Floats) -> int:
    """The depot of least demand in the state that has most of them; -1 where it has fewer than three."""
    counts = np.bincount(state)
    own = np.flatnonzero(state == np.argmax(counts))
    return int(own[np.argmin(demand[own])]) if len(own) >= 3 else -1


def _parents(level: Integers, state: Integers, is_later: Flags, lat: Floats, lng: Floats) -> Integers:
    """A regional hub hangs on the nearest national centre, a depot on the first regional hub of its state."""
    away = great_circle_km(lat[:, np.newaxis], lng[:, np.newaxis], lat[level == NATIONAL], lng[level == NATIONAL])
    parent = np.where(level == REGIONAL, np.argmin(away, axis=1), -1)
    for hub in np.flatnonzero((level == REGIONAL) & ~is_later):
        parent[(level == LOCAL) & (state == state[hub])] = hub
    return parent.astype(np.int64)
