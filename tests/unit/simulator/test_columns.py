"""Numbers, codes, seconds and cents as Arrow columns: what is unknown is null."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa

from tradewind_simulator import columns as c
from tradewind_simulator.columns import NO_MONEY
from tradewind_simulator.days import NEVER


def test_what_is_unknown_is_null() -> None:
    many = np.arange(20) % 3 - 1
    assert c.ids("p", many, 3).to_pylist()[:4] == [None, "p000", "p001", None]
    assert c.words(many, ("a", "b")).to_pylist()[:4] == [None, "a", "b", None]
    assert c.integers(many, missing=0).to_pylist()[:3] == [-1, None, 1]
    assert c.integers(many).null_count == 0
    assert c.floats(np.array([1.5, np.nan])).to_pylist() == [1.5, None]
    assert c.money(np.array([123, NO_MONEY, -5, 10**11])).to_pylist() == [Decimal("1.23"), None, Decimal("-0.05"), Decimal(10**9)]
    assert c.dates(np.array([0, 19_723])).to_pylist() == [dt.date(1970, 1, 1), dt.date(2024, 1, 1)]


def test_instants_that_have_not_come_by_the_end_of_a_day_are_null() -> None:
    seconds = np.array([10, 20, NEVER])
    assert c.instants(seconds).is_valid().to_pylist() == [True, True, False]
    assert c.instants(seconds, until=20).is_valid().to_pylist() == [True, False, False]
    assert c.instants(seconds).type == pa.timestamp("us", tz="UTC")
