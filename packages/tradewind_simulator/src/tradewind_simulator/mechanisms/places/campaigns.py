"""Campaigns: the sales that Brazilian online shops hold each year, and how much more is bought on each of their days."""

import datetime as dt
import functools
from dataclasses import dataclass


@dataclass(frozen=True)
class Campaign:
    """A campaign's day: ``uplift`` is the demand added, as a share of the day's usual demand."""

    name: str
    uplift: float


_BLACK_FRIDAY = {-4: 0.10, -3: 0.15, -2: 0.20, -1: 0.50, 0: 3.00, 1: 1.20, 2: 0.80, 3: 0.90}
"""Uplift by days from Black Friday to Cyber Monday. Source: Olist 2017 (4.6 on the day, 1.3 to 1.5 on the three after), lowered as its
base was small and growing (chosen)."""


@functools.lru_cache(maxsize=1024)
def campaign_on(date: dt.date) -> Campaign | None:
    """The campaign that runs on ``date``."""
    from_friday = (date - black_friday(date.year)).days
    if from_friday in _BLACK_FRIDAY:
        return Campaign("black_friday", _BLACK_FRIDAY[from_friday])
    for name, first, last, uplift, at_end in _spans(date.year):
        if first <= date <= last:
            share = 1.0 if first == last else (date - first).days / (last - first).days
            return Campaign(name, uplift + (at_end - uplift) * share)
    return None


def black_friday(year: int) -> dt.date:
    """The Friday after the fourth Thursday of November."""
    return nth_weekday(year, 11, 3, 4) + dt.timedelta(days=1)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> dt.date:
    """The ``nth`` (from 1) day of ``weekday`` (0 is Monday) in a month."""
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _spans(year: int) -> tuple[tuple[str, dt.date, dt.date, float, float], ...]:
    """Name, first and last day, uplift on the first and on the last (in between it grows evenly).

    Chosen: gifts are bought until they can still arrive, so that those campaigns end days before the feast. Feasts as in Brazil.
    """
    mothers, fathers = nth_weekday(year, 5, 6, 2), nth_weekday(year, 8, 6, 2)
    return (
        ("clearance", dt.date(year, 1, 3), dt.date(year, 1, 12), 0.25, 0.05),
        ("consumer_day", dt.date(year, 3, 11), dt.date(year, 3, 15), 0.10, 0.60),
        ("mothers_day", mothers - dt.timedelta(days=14), mothers - dt.timedelta(days=4), 0.10, 0.35),
        ("valentines_day", dt.date(year, 6, 1), dt.date(year, 6, 8), 0.05, 0.20),
        ("fathers_day", fathers - dt.timedelta(days=12), fathers - dt.timedelta(days=4), 0.05, 0.20),
        ("childrens_day", dt.date(year, 9, 28), dt.date(year, 10, 8), 0.05, 0.20),
        ("christmas", dt.date(year, 12, 3), dt.date(year, 12, 16), 0.15, 0.30),
    )
