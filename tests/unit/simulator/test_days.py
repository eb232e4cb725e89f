"""Local days in a zone, and instants in them."""

import datetime as dt

import numpy as np

from tradewind_simulator.days import DAY, HOUR, NEVER, Days, utc_date


def test_a_local_day_begins_at_local_midnight() -> None:
    days = Days(dt.date(2024, 1, 1), "America/Sao_Paulo")
    assert days.start(0) == int(dt.datetime(2024, 1, 1, 3, tzinfo=dt.UTC).timestamp())
    assert days.date(31) == dt.date(2024, 2, 1)
    assert utc_date(days.utc_day(31)) == dt.date(2024, 2, 1)


def test_instants_fall_in_their_local_day_also_where_clocks_change() -> None:
    days = Days(dt.date(2018, 11, 1), "America/Sao_Paulo")  # clocks go forward on 4 November 2018: a day of 23 hours
    lengths = [days.start(day + 1) - days.start(day) for day in range(6)]
    assert lengths == [DAY, DAY, DAY, 23 * HOUR, DAY, DAY]
    edges = np.array([[days.start(day), days.start(day + 1) - 1] for day in range(6)]).ravel()
    assert days.of(edges).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert days.of(np.zeros(0, dtype=np.int64)).tolist() == []
    assert days.of(np.array([NEVER, edges[2]])).tolist() == [NEVER, 1]
