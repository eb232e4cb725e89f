"""Weather: how much rain and storms slow the roads of each state on each day.

Wetness is a first-order autoregression by state, in part shared by its region, on top of a rainy season. It is written as a moving
average over the last days' shocks, so that any day is computed alone.
"""

import functools
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.places.brazil import STATES
from tradewind_simulator.streams import Floats

Region = Literal["midwest", "north", "northeast", "south", "southeast"]
_REGIONS: tuple[Region, ...] = ("midwest", "north", "northeast", "south", "southeast")
_OWN, _SHARED, _STORM, _FORCE = range(4)


class WeatherParameters(BaseModel):
    """How wet it is, and what that does to road time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    persistence: float = Field(default=0.7, ge=0, lt=0.95)
    """Correlation of a day's wetness with the day before. Chosen: rainy spells of some days."""
    shared: float = Field(default=0.5, ge=0, le=1)
    """Share of the wetness's variance that a region has in common. Chosen: fronts cover several states."""
    wettest_day: dict[Region, int] = {"midwest": 15, "north": 75, "northeast": 135, "south": 285, "southeast": 10}
    """Day of the year at which the rainy season peaks. Source: INMET's climatological normals of 1991 to 2020, rounded to half a month."""
    season: dict[Region, float] = {"midwest": 1.1, "north": 0.9, "northeast": 0.7, "south": 0.2, "southeast": 1.0}
    """Height of the season, in standard deviations of wetness. Chosen after the same normals: strong inland, faint in the South."""
    slowing: float = Field(default=0.12, ge=0, le=1)
    """Road time added by each standard deviation of wetness above the mean, as a share. Chosen near FHWA (2006), "Empirical Studies on
    Traffic Flow in Inclement Weather": speeds 3 to 17 % lower in rain."""
    storms_per_year: float = Field(default=3.0, ge=0, le=100)
    """Storms of a state in a year, more of them in the wet season. Chosen: rare, and two days long."""
    storm_slowing: float = Field(default=0.8, ge=0, le=10)
    """Mean road time that a storm adds on its first day, as a share; half of it on the second. Chosen: closed roads and detours."""


class Weather:
    """The weather of a world; nothing is carried from day to day."""

    def __init__(self, parameters: WeatherParameters, surroundings: Surroundings) -> None:
        self.parameters = parameters
        self._surroundings = surroundings
        self._stream = surroundings.streams.stream("weather")
        self._states = tuple(state.code for state in STATES)
        self._region = np.array([_REGIONS.index(state.region) for state in STATES], dtype=np.int64)
        self._peak = np.array([parameters.wettest_day.get(region, 0) for region in _REGIONS], dtype=np.float64)
        self._height = np.array([parameters.season.get(region, 0.0) for region in _REGIONS])
        memory = 40 if parameters.persistence else 1
        self._shocks = np.sqrt(1 - parameters.persistence**2) * parameters.persistence ** np.arange(memory, dtype=np.float64)

    @functools.lru_cache(maxsize=512)  # noqa: B019 (one Weather lives as long as its world)
    def factors(self, day: int) -> Floats:
        """Factor on road time on local day ``day`` by state: at least 1."""
        wet = 1.0 + self.parameters.slowing * np.maximum(self.wetness(day), 0.0)
        return np.asarray(wet + self._storm(day) + 0.5 * self._storm(day - 1))

    def wetness(self, day: int) -> Floats:
        """Wetness by state in standard deviations about the yearly mean: season and autoregression."""
        total = self._seasonal(day)
        for lag, weight in enumerate(self._shocks):
            total = total + weight * self._shock(day - lag)
        return total

    @functools.lru_cache(maxsize=1024)  # noqa: B019 (one Weather lives as long as its world)
    def _shock(self, day: int) -> Floats:
        shared = self.parameters.shared
        own = self._stream.normal(np.arange(len(self._states)), day, slot=_OWN)
        common = self._stream.normal(np.arange(len(_REGIONS)), day, slot=_SHARED)[self._region]
        return np.asarray(np.sqrt(1 - shared) * own + np.sqrt(shared) * common)

    def _seasonal(self, day: int) -> Floats:
        of_year = self._surroundings.days.date(day).timetuple().tm_yday
        return np.asarray((self._height * np.cos(2 * np.pi * (of_year - self._peak) / 365.25))[self._region])

    def _storm(self, day: int) -> Floats:
        p, states = self.parameters, np.arange(len(self._states), dtype=np.int64)
        rate = p.storms_per_year / 365.25 * np.maximum(1 + self._seasonal(day), 0.0)
        strikes = self._stream.bernoulli(rate, states, day, slot=_STORM)
        force = 0.5 + 0.5 * self._stream.exponential(states, day, slot=_FORCE)
        return np.where(strikes, p.storm_slowing * force, 0.0)

    def step(self, today: Today) -> None:
        """Write the truth of the day: table ``weather``."""
        count = len(self._states)
        truth = {
            "date": columns.dates(np.full(count, self._surroundings.days.utc_day(today.number))),
            "state": columns.words(np.arange(count), self._states),
            "road_time_factor": columns.floats(today.weather),
            "wetness": columns.floats(self.wetness(today.number)),
        }
        self._surroundings.truth.append("weather", truth)

    def arrays(self) -> Arrays:
        """Nothing."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Nothing to take."""
