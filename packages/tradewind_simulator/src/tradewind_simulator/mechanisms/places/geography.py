"""Geography: states, cities and postal areas, with the share of demand and of merchants that each area has.

Each city gets postal areas by its share of demand; they lie around its centre in the order of their prefix, so that a prefix of
two or three digits is a piece of land. Areas of the surroundings lie further out, on the side of the state's middle.
"""

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.places.brazil import CITIES, STATES, City
from tradewind_simulator.streams import Floats, Integers

EARTH_RADIUS_KM = 6371.0088
"""Mean radius (IUGG)."""
_ID, _ANGLE, _RADIUS, _WEIGHT, _ORIGIN = range(5)


class GeographyParameters(BaseModel):
    """How postal areas are laid over the cities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    areas_count: int = Field(default=1_000, ge=400, le=2_000)
    """Postal areas of a world of ``reference_orders_per_day``. Chosen: Olist has 15,000 customers' prefixes; a thousand keep the tables small."""
    reference_orders_per_day: float = Field(default=600.0, gt=0)
    """Orders per day for which ``areas_count`` holds. Chosen: the default world."""
    areas_exponent: float = Field(default=0.2, ge=0, le=1)
    """Power of the world's scale that the number of areas follows (at least two for each city). Chosen: small worlds lose detail slowly."""
    crowding: float = Field(default=0.6, ge=0, le=1)
    """Power of a city's share of demand by which it gets areas. Chosen: below 1, so that a metropolis has denser areas than a town."""
    outskirts_share: float = Field(default=0.35, ge=0, lt=1)
    """Share of a city's areas that stand for towns around it. Chosen: about a third of Brazilians live outside of larger cities (IBGE 2022)."""
    outskirts_demand: float = Field(default=0.5, gt=0)
    """Demand of an area of the outskirts as a factor of one in the city. Chosen: thinner, and less used to buying online."""
    outskirts_km: float = Field(default=70.0, gt=0, le=150)
    """Greatest distance of outskirts from the centre, in kilometres. Chosen: half the distance between neighbouring cities of the table."""
    city_radius_km: float = Field(default=7.0, gt=0, le=30)
    """Radius of a city of half a million, in kilometres; it grows with the square root of the population up to 25. Chosen: built-up areas."""
    merchants_in_towns: float = Field(default=0.2, ge=0)
    """Merchants of an outskirts area as a factor of one in the city. Chosen: sellers sit in cities, with a few clusters outside."""
    origin_evenness: float = Field(default=1.0, gt=0, le=2)
    """Spread of merchants over the areas of a city: power of an exponential draw. Chosen: as demand has it."""


class Geography:
    """The postal areas of a world, static: a function of parameters, seed and scale."""

    def __init__(self, parameters: GeographyParameters, surroundings: Surroundings) -> None:
        self.parameters = parameters
        self._surroundings = surroundings
        self._stream = surroundings.streams.stream("geography")
        self.states: tuple[str, ...] = tuple(state.code for state in STATES)
        self.regions: tuple[str, ...] = tuple(state.region for state in STATES)
        """Region of each state: north, northeast, midwest, southeast, south."""
        self.city_names: tuple[str, ...] = tuple(city.name for city in CITIES)
        self.city_state: Integers = np.array([self.states.index(city.state) for city in CITIES], dtype=np.int64)
        self.city_lat: Floats = np.array([city.lat for city in CITIES])
        self.city_lng: Floats = np.array([city.lng for city in CITIES])
        self.city_population: Floats = np.array([city.population_thousands * 1_000.0 for city in CITIES])
        self._lay_areas()

    def _lay_areas(self) -> None:
        demand = _shares_of_cities([state.demand_share for state in STATES], self.city_state, self.city_population)
        counts = self._counts(demand)
        city = np.repeat(np.arange(len(CITIES), dtype=np.int64), counts)
        prefix = np.concatenate([self._prefixes(CITIES[k], k, int(n)) for k, n in enumerate(counts)])
        order = np.argsort(prefix, kind="stable")
        rank = np.concatenate([np.arange(n, dtype=np.float64) for n in counts])
        is_outskirts = rank >= np.repeat(np.ceil(counts * (1 - self.parameters.outskirts_share)), counts)
        lat, lng = self._places(city, rank, counts, is_outskirts, prefix)
        self.area_prefix: Integers = prefix[order]
        """The postal prefix as a number."""
        self.area_ids: tuple[str, ...] = tuple(f"{number:05d}" for number in self.area_prefix)
        self.area_city: Integers = city[order]
        self.area_state: Integers = self.city_state[self.area_city]
        self.area_lat: Floats = lat[order]
        self.area_lng: Floats = lng[order]
        self.area_is_outskirts: npt.NDArray[np.bool_] = is_outskirts[order]
        self._weigh(demand)

    def _weigh(self, demand: Floats) -> None:
        p, far = self.parameters, self.area_is_outskirts
        drawn = 0.3 + self._stream.exponential(self.area_prefix, slot=_WEIGHT)
        self.area_weight: Floats = _spread(demand, self.area_city, drawn * np.where(far, p.outskirts_demand, 1.0))
        """Share of demand; sums to 1."""
        origin = _shares_of_cities([state.origin_share for state in STATES], self.city_state, self.city_population)
        drawn = 0.1 + self._stream.exponential(self.area_prefix, slot=_ORIGIN) ** p.origin_evenness
        self.origin_weight: Floats = _spread(origin, self.area_city, drawn * np.where(far, p.merchants_in_towns, 1.0))
        """Share of merchants; sums to 1, far more concentrated than demand."""

    def _counts(self, demand: Floats) -> Integers:
        p = self.parameters
        scale = (self._surroundings.orders_per_day / p.reference_orders_per_day) ** p.areas_exponent
        wanted = min(2_000.0, p.areas_count * scale)
        room = np.array([sum(high - low + 1 for low, high in city.prefixes) for city in CITIES])
        crowded = demand**p.crowding
        return np.asarray(np.clip(np.rint(wanted * crowded / crowded.sum()), 2, room // 2), dtype=np.int64)

    def _prefixes(self, city: City, position: int, count: int) -> Integers:
        """``count`` ascending prefixes, one in each of as many equal slices of the city's ranges."""
        pool = np.concatenate([np.arange(low, high + 1) for low, high in city.prefixes]).astype(np.int64)
        slices = np.floor(np.arange(count) * len(pool) / count).astype(np.int64)
        width = len(pool) // count
        return np.asarray(pool[slices + self._stream.integers(width, position, np.arange(count), slot=_ID)])

    def _places(
        self, city: Integers, rank: Floats, counts: Integers, is_outskirts: npt.NDArray[np.bool_], prefix: Integers
    ) -> tuple[Floats, Floats]:
        p = self.parameters
        inner = np.repeat(np.ceil(counts * (1 - p.outskirts_share)), counts)
        outer = np.maximum(np.repeat(counts, counts) - inner, 1.0)
        wobble = self._stream.uniform(prefix, slot=_ANGLE)
        inland = _bearings(self.city_lat, self.city_lng)[city]
        turn = 2 * np.pi * (rank + wobble) / inner
        fan = inland + np.radians(75.0) * (2 * (rank - inner + wobble) / outer - 1)
        angle = np.where(is_outskirts, fan, turn)
        drawn = np.sqrt(self._stream.uniform(prefix, slot=_RADIUS))
        radius = np.minimum(25.0, p.city_radius_km * np.sqrt(self.city_population / 500_000))[city]
        far = radius + 5.0 + (p.outskirts_km - radius - 5.0).clip(0.0) * drawn
        return _moved(self.city_lat[city], self.city_lng[city], angle, np.where(is_outskirts, far, radius * drawn))

    def distance_km(self, a: Integers, b: Integers) -> Floats:
        """Great-circle distances between the areas at positions ``a`` and ``b``, in kilometres (they broadcast)."""
        return great_circle_km(self.area_lat[a], self.area_lng[a], self.area_lat[b], self.area_lng[b])

    def positions(self, prefixes: Integers) -> Integers:
        """Positions of the areas with these prefixes (as numbers); -1 where there is none."""
        found = np.minimum(np.searchsorted(self.area_prefix, prefixes), len(self.area_prefix) - 1)
        return np.asarray(np.where(self.area_prefix[found] == prefixes, found, -1), dtype=np.int64)

    def export(self) -> None:
        """Write the rows of ``postal_areas``, which belong to the first day."""
        count = len(self.area_ids)
        at = np.full(count, self._surroundings.days.start(0), dtype=np.int64)
        rows = {
            "postal_area_id": columns.ids("", self.area_prefix, 5),
            "lat": columns.floats(np.round(self.area_lat, 5)),
            "lng": columns.floats(np.round(self.area_lng, 5)),
            "city": columns.words(self.area_city, self.city_names),
            "state": columns.words(self.area_state, self.states),
            "points_count": columns.integers(1 + np.floor(self.area_weight * 100_000).astype(np.int64)),
        }
        self._surroundings.exports.append("postal_areas", at, rows)


def great_circle_km(lat: Floats, lng: Floats, to_lat: Floats, to_lng: Floats) -> Floats:
    """Great-circle distances in kilometres (haversine formula, mean radius); degrees, broadcast."""
    low, high = np.radians(lat), np.radians(to_lat)
    north = np.sin((high - low) / 2) ** 2
    east = np.sin(np.radians(np.asarray(to_lng) - lng) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(north + np.cos(low) * np.cos(high) * east)))


def _shares_of_cities(by_state: list[float], city_state: Integers, population: Floats) -> Floats:
    """Shares of cities: a state's share, spread over its cities by population; they sum to 1."""
    in_state = np.bincount(city_state, weights=population, minlength=len(by_state))
    shares = np.array(by_state)[city_state] * population / in_state[city_state]
    return np.asarray(shares / shares.sum())


def _spread(by_city: Floats, area_city: Integers, drawn: Floats) -> Floats:
    whole = np.bincount(area_city, weights=drawn, minlength=len(by_city))
    shares = by_city[area_city] * drawn / whole[area_city]
    return np.asarray(shares / shares.sum())


def _bearings(lat: Floats, lng: Floats) -> Floats:
    """Direction from each city to the middle of its state, as an angle from east, in radians."""
    middles = {state.code: (state.lat, state.lng) for state in STATES}
    middle = np.array([middles[city.state] for city in CITIES])
    return np.asarray(np.arctan2(middle[:, 0] - lat, (middle[:, 1] - lng) * np.cos(np.radians(lat))))


def _moved(lat: Floats, lng: Floats, angle: Floats, km: Floats) -> tuple[Floats, Floats]:
    """Points ``km`` away at ``angle`` from east."""
    degrees = np.degrees(km / EARTH_RADIUS_KM)
    return lat + degrees * np.sin(angle), lng + degrees * np.cos(angle) / np.cos(np.radians(lat))
