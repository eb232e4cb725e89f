"""Text to typed columns: what is read, and the reason where it is not."""

import datetime as dt
import decimal
import functools
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_sources.casting import typed_query
from tradewind_sources.declaration import Form, SourceColumn, SourceFile


@functools.cache
def engine() -> duckdb.DuckDBPyConnection:
    """One engine for the module: to open one costs more than a query."""
    return duckdb.connect(config={"threads": 1})


def cast(column: SourceColumn, *texts: str) -> list[tuple[Any, str | None]]:
    """Value and reason of each text."""
    connection = engine()
    connection.register("texts", pa.table({"x": list(texts), "source_row": list(range(1, len(texts) + 1))}))
    query = typed_query(SourceFile("f.csv", "f", (column,)), "texts")
    return [(row[1], row[2]) for row in connection.execute(f"{query} order by source_row").fetchall()]


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (Form.TEXT, "  são paulo ", "são paulo"),
        (Form.INTEGER, "225", 225),
        (Form.INTEGER, "225.0", 225),
        (Form.INTEGER, "-3", -3),
        (Form.NUMBER, "1.5e3", 1500.0),
        (Form.MONEY, "58.90", decimal.Decimal("58.90")),
        (Form.MONEY, "99.33000000000001", decimal.Decimal("99.33")),
        (Form.LOCAL_INSTANT, "2018-04-01 12:34:56", dt.datetime(2018, 4, 1, 12, 34, 56)),
        (Form.LOCAL_INSTANT, "2018-04-01", dt.datetime(2018, 4, 1)),
        (Form.POSTAL_PREFIX, "01037", "01037"),
        (Form.POSTAL_PREFIX, "1037", "01037"),
        (Form.PRESENCE, "gostei", True),
        (Form.PRESENCE, " ", False),
    ],
)
def test_text_is_read_in_its_form(form: Form, text: str, value: object) -> None:
    assert cast(SourceColumn("x", form), text) == [(value, None)]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Form.INTEGER, "1.5"),
        (Form.INTEGER, "1e3"),
        (Form.INTEGER, "99999999999999999999"),
        (Form.NUMBER, "nan"),
        (Form.NUMBER, "inf"),
        (Form.NUMBER, "12,5"),
        (Form.MONEY, "R$ 12"),
        (Form.MONEY, "1e3"),
        (Form.MONEY, "99999999999.00"),
        (Form.LOCAL_INSTANT, "2018-02-30 10:00:00"),
        (Form.LOCAL_INSTANT, "01/04/2018"),
        (Form.LOCAL_INSTANT, "2018-04-01T12:00:00Z"),
        (Form.POSTAL_PREFIX, "123"),
        (Form.POSTAL_PREFIX, "0103A"),
    ],
)
def test_text_of_another_form_gives_its_row_a_reason(form: Form, text: str) -> None:
    assert cast(SourceColumn("x", form), text) == [(None, "x_unreadable")]


def test_bounds_lists_and_absence_give_reasons() -> None:
    score = SourceColumn("x", Form.INTEGER, required=True, least=1, greatest=5)
    assert [reason for _, reason in cast(score, "0", "1", "5", "6", "")] == ["x_out_of_range", None, None, "x_out_of_range", "x_missing"]
    state = SourceColumn("x", allowed=("SP", "RJ"))
    assert [reason for _, reason in cast(state, "SP", "XX", "")] == [None, "x_not_allowed", None]


def test_the_first_column_that_breaks_its_declaration_names_the_reason() -> None:
    file = SourceFile("f.csv", "f", (SourceColumn("a", Form.INTEGER), SourceColumn("b", Form.INTEGER)))
    engine().register("texts", pa.table({"a": ["x"], "b": ["y"], "source_row": [1]}))
    assert engine().execute(typed_query(file, "texts")).fetchall() == [(1, None, None, "a_unreadable")]


@given(values=st.lists(st.integers(-(10**17), 10**17), min_size=1, max_size=20))
def test_whole_numbers_survive_the_way_through_text(values: list[int]) -> None:
    assert [value for value, _ in cast(SourceColumn("x", Form.INTEGER), *map(str, values))] == values


@given(cents=st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=20))
def test_amounts_survive_to_the_cent(cents: list[int]) -> None:
    amounts = [decimal.Decimal(value).scaleb(-2) for value in cents]
    assert [value for value, _ in cast(SourceColumn("x", Form.MONEY), *(f"{amount:.2f}" for amount in amounts))] == amounts


@given(
    moments=st.lists(
        st.datetimes(min_value=dt.datetime(1990, 1, 1), max_value=dt.datetime(2100, 1, 1)).map(lambda m: m.replace(microsecond=0)),
        min_size=1,
        max_size=20,
    )
)
def test_local_times_survive_to_the_second(moments: list[dt.datetime]) -> None:
    assert [value for value, _ in cast(SourceColumn("x", Form.LOCAL_INSTANT), *map(str, moments))] == moments


@given(
    texts=st.lists(st.text(alphabet="0123456789.-+eE:/ \\'\"%ação", max_size=12), min_size=1, max_size=20), form=st.sampled_from(list(Form))
)
def test_whatever_the_text_a_row_has_a_value_or_a_reason_or_was_empty(texts: list[str], form: Form) -> None:
    for text, (value, reason) in zip(texts, cast(SourceColumn("x", form), *texts), strict=True):
        assert value is not None or reason is not None or text.strip(" ") == ""
