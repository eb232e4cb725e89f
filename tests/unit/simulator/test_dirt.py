"""Junk is added and counted; what was good stays as it was."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.tables import TABLES, Kind, Table
from tradewind_simulator import columns as c
from tradewind_simulator.days import DAY
from tradewind_simulator.dirt import REFERENCE_DATA, Dirt, DirtParameters
from tradewind_simulator.streams import Streams
from tradewind_simulator.truth import Truth

UTC_DAY = 19_800


def attempts(count: int) -> pa.Table:
    table = TABLES["delivery_attempts"]
    at = np.arange(count) % DAY + UTC_DAY * DAY
    given = {
        "attempt_id": c.ids("t", np.arange(count), 7), "parcel_id": c.ids("x", np.arange(count)), "attempt_number": c.integers(np.ones(count)),
        "hub_id": c.ids("H", np.arange(count) % 9, 3), "courier_id": c.ids("v", np.arange(count) % 50), "attempted_at": c.instants(at),
        "recorded_at": c.instants(at), "outcome": c.words(np.zeros(count, dtype=int), ("delivered",)),
    }  # fmt: skip
    schema = pa.schema([pa.field(column.name, column.kind.arrow) for column in table.columns])
    return pa.table([given.get(n, pa.nulls(count)).cast(schema.field(n).type) for n in schema.names], schema=schema)


def test_each_kind_of_junk_is_added_and_counted(tmp_path: Path) -> None:
    truth, rows = Truth(), attempts(20_000)
    spoilt = Dirt(DirtParameters(rate=0.001), Streams(7), truth)("delivery_attempts", UTC_DAY, rows)
    [file] = truth.flush(UTC_DAY, tmp_path)
    planted = {row["reason"]: row["rows_count"] for row in pq.read_table(tmp_path / file.path).to_pylist()}
    assert set(planted) == {
        "parcel_id_missing", "attempt_number_out_of_range", "outcome_not_allowed", "duplicate_key", "unknown_parcel_id", "in_the_future",
    }  # fmt: skip
    assert spoilt.num_rows == rows.num_rows + sum(planted.values())
    assert pc.sum(pc.is_null(spoilt["parcel_id"])).as_py() == planted["parcel_id_missing"]
    assert pc.sum(pc.equal(spoilt["outcome"], "unheard_of")).as_py() == planted["outcome_not_allowed"]
    assert pc.sum(pc.less(spoilt["attempt_number"], 1)).as_py() == planted["attempt_number_out_of_range"]
    assert spoilt.num_rows - pc.count_distinct(spoilt["attempt_id"]).as_py() == planted["duplicate_key"]
    good = spoilt.filter(pc.is_in(spoilt["attempt_id"], rows["attempt_id"].combine_chunks())).group_by("attempt_id").aggregate([])
    assert good.num_rows == rows.num_rows, "no good row is lost"


def test_without_a_rate_nothing_is_planted() -> None:
    rows = attempts(500)
    assert Dirt(DirtParameters(rate=0.0), Streams(7), Truth())("delivery_attempts", UTC_DAY, rows).equals(rows)


@pytest.mark.parametrize("name", sorted(TABLES.keys() - REFERENCE_DATA))
def test_junk_of_every_table_has_the_tables_form(name: str) -> None:
    table = TABLES[name]
    schema = pa.schema([pa.field(column.name, column.kind.arrow) for column in table.columns])
    values = {
        Kind.STRING: "a",
        Kind.INTEGER: 5,
        Kind.NUMBER: 5.0,
        Kind.MONEY: Decimal(5),
        Kind.BOOLEAN: True,
        Kind.DATE: dt.date(2024, 1, 1),
    }
    instant = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    row = {column.name: values.get(column.kind, instant) for column in table.columns}
    rows = pa.Table.from_pylist([{**row, table.key[-1]: _key(table, i)} for i in range(200)], schema=schema)
    truth = Truth()
    spoilt = Dirt(DirtParameters(rate=0.05), Streams(7), truth)(name, UTC_DAY, rows)
    assert spoilt.schema == schema
    assert spoilt.num_rows > 200


def _key(table: Table, place: int) -> object:
    kinds = {Kind.STRING: f"k{place}", Kind.INTEGER: place, Kind.DATE: dt.date(2024, 1, 1) + dt.timedelta(days=place)}
    instant = dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=place)
    return kinds.get(table.column(table.key[-1]).kind, instant)
