"""Calendar: local days with their holidays, sales campaigns and the demand that a day has.

Moving holidays are counted from Easter (anonymous Gregorian algorithm, Meeus 1991, "Astronomical Algorithms", chapter 8).
"""

import datetime as dt
import functools
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import HOUR
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.places.brazil import STATES
from tradewind_simulator.mechanisms.places.campaigns import Campaign, campaign_on
from tradewind_simulator.mechanisms.places.weather import Weather

_FIXED: dict[tuple[int, int], str] = {
    (1, 1): "New Year",
    (4, 21): "Tiradentes",
    (5, 1): "Labour Day",
    (9, 7): "Independence",
    (10, 12): "Our Lady of Aparecida",
    (11, 2): "All Souls",
    (11, 15): "Republic",
    (11, 20): "Black Awareness",
    (12, 25): "Christmas",
}
"""National holidays of a fixed date (laws 662/1949, 6,802/1980, 10,607/2002, 14,759/2023)."""

_FROM_EASTER: dict[int, str] = {-48: "Carnival", -47: "Carnival", -2: "Good Friday", 60: "Corpus Christi"}
"""Days after Easter; Carnival and Corpus Christi are no holidays by national law, but hardly anybody works."""

_OF_STATES: dict[tuple[int, int], dict[str, str]] = {
    (1, 4): {"RO": "State of Rondônia"},
    (3, 6): {"PE": "Pernambuco Revolution"},
    (3, 25): {"CE": "Abolition in Ceará"},
    (4, 23): {"RJ": "Saint George"},
    (6, 15): {"AC": "State of Acre"},
    (7, 2): {"BA": "Independence of Bahia"},
    (7, 8): {"SE": "Emancipation of Sergipe"},
    (7, 9): {"SP": "Constitutionalist Revolution"},
    (7, 28): {"MA": "Adhesion of Maranhão"},
    (8, 5): {"PB": "Foundation of Paraíba"},
    (8, 15): {"PA": "Adhesion of Grão-Pará"},
    (9, 5): {"AM": "Elevation of Amazonas"},
    (9, 13): {"AP": "Territory of Amapá"},
    (9, 16): {"AL": "Emancipation of Alagoas"},
    (9, 20): {"RS": "Farroupilha Revolution"},
    (10, 3): {"RN": "Martyrs of Cunhaú and Uruaçu"},
    (10, 5): {"RR": "State of Roraima", "TO": "State of Tocantins"},
    (10, 11): {"MS": "State of Mato Grosso do Sul"},
    (10, 19): {"PI": "Piauí"},
    (11, 30): {"DF": "Evangelical's Day"},
}
"""State holidays of a fixed date (state laws)."""


Above0 = Annotated[float, Field(gt=0, le=10)]


class CalendarParameters(BaseModel):
    """What a day's demand is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekday_factors: tuple[Above0, Above0, Above0, Above0, Above0, Above0, Above0] = (1.13, 1.11, 1.09, 1.04, 1.01, 0.78, 0.84)
    """Demand from Monday to Sunday as a factor of the mean day. Source: Olist's public orders of 2016 to 2018, rounded."""
    month_factors: Annotated[tuple[Above0, ...], Field(min_length=12, max_length=12)] = (
        *(0.97, 0.95, 0.98, 0.97, 1.03, 0.99),
        *(1.00, 1.02, 0.98, 1.00, 1.08, 1.03),
    )
    """Demand from January to December as a factor of the mean month, beside campaigns. Chosen: Olist's growth hides its seasons."""
    holiday_factor: float = Field(default=0.8, gt=0, le=2)
    """Demand of a national holiday. Chosen: like a Saturday, as Olist's holidays are."""
    year_end_factor: float = Field(default=0.62, gt=0, le=2)
    """Demand from 20 to 31 December. Source: Olist, 2017, against the weeks before: 0.6."""
    yearly_growth: float = Field(default=0.10, gt=-1, le=3)
    """Growth of demand in a year, as a share. Source: ABComm, Brazilian online sales of 2024 against 2023: about +10 %."""
    campaign_strength: float = Field(default=1.0, ge=0, le=3)
    """Factor on the uplift of all campaigns. Chosen: 1."""
    announced_days: int = Field(default=30, ge=1, le=120)
    """Days before a day on which its campaign, or that there is none, is announced. Chosen: a month of notice to merchants."""


class Calendar:
    """The days of a world. Nothing is carried from day to day."""

    def __init__(self, parameters: CalendarParameters, surroundings: Surroundings, weather: Weather) -> None:
        self.parameters = parameters
        self._surroundings = surroundings
        self._weather = weather
        self._states = tuple(state.code for state in STATES)

    @functools.lru_cache(maxsize=512)  # noqa: B019 (one Calendar lives as long as its world)
    def today(self, day: int) -> Today:
        """Local day ``day``, which may lie ahead: plans may ask for a later day's holidays and campaign."""
        days = self._surroundings.days
        date = days.date(day)
        holidays = np.array([bool(name) for name in holidays_on(date, self._states)])
        campaign = campaign_on(date)
        return Today(
            number=day,
            date=date,
            start=days.start(day),
            end=days.start(day + 1),
            weekday=date.weekday(),
            is_holiday=holidays,
            is_workday=~holidays & (date.weekday() != 6),
            campaign=campaign.name if campaign else "",
            demand=self._demand(day, date, bool(holidays.all()), campaign),
            weather=self._weather.factors(day),
        )

    def _demand(self, day: int, date: dt.date, is_holiday: bool, campaign: Campaign | None) -> float:
        p = self.parameters
        factor = p.weekday_factors[date.weekday()] * p.month_factors[date.month - 1]
        if is_holiday and not campaign:
            factor *= p.holiday_factor
        if (date.month, date.day) >= (12, 20):
            factor *= p.year_end_factor
        if campaign:
            factor *= 1.0 + p.campaign_strength * campaign.uplift
        return float(factor * (1.0 + p.yearly_growth) ** (day / 365.25))

    def step(self, today: Today) -> None:
        """Announce the day that lies ``announced_days`` ahead; on the first day, all those up to it.

        What was announced before the world began stands in the first day's file, with the instant of its announcement.
        """
        ahead = self.parameters.announced_days
        for day in range(0 if today.number == 0 else today.number + ahead, today.number + ahead + 1):
            self._announce(day, today.start)

    def _announce(self, day: int, not_before: int) -> None:
        days, count = self._surroundings.days, len(self._states)
        date = days.date(day)
        announced_at = days.start(day - self.parameters.announced_days) + 9 * HOUR
        names = holidays_on(date, self._states)
        campaign = campaign_on(date)
        known = sorted({*names, campaign.name if campaign else ""})
        rows = {
            "date": columns.dates(np.full(count, days.utc_day(day))),
            "region": columns.words(np.arange(count), self._states),
            "is_holiday": columns.booleans(np.array([bool(name) for name in names])),
            "holiday": columns.words(np.array([known.index(name) if name else -1 for name in names]), known),
            "campaign": columns.words(np.full(count, known.index(campaign.name) if campaign else -1), known),
            "announced_at": columns.instants(np.full(count, announced_at, dtype=np.int64)),
        }
        self._surroundings.exports.append("calendar", np.full(count, max(not_before, announced_at), dtype=np.int64), rows)

    def arrays(self) -> Arrays:
        """Nothing."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Nothing to take."""


@functools.lru_cache(maxsize=512)
def holidays_on(date: dt.date, states: tuple[str, ...]) -> tuple[str, ...]:
    """The name of the holiday in each of ``states`` on ``date``; empty where it is none."""
    after_easter = (date - easter(date.year)).days
    national = _FIXED.get((date.month, date.day)) or _FROM_EASTER.get(after_easter, "")
    local = dict(_OF_STATES.get((date.month, date.day), {}))
    if after_easter == 8:
        local["ES"] = "Our Lady of Penha"
    return tuple(national or local.get(state, "") for state in states)


def easter(year: int) -> dt.date:
    """Easter Sunday of ``year`` in the Gregorian calendar."""
    golden, (century, within) = year % 19, divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon_drift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon_drift + 15) % 30
    leap_years, year_rest = divmod(within, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return dt.date(year, month, day + 1)
