"""The offline join where the oracle's random cases don't look: types, slices, spilling, pruning, what it says of itself."""

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from offline_questions import LIMITS, asked, at, question, source_rows, view, written

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_features.datasets import partition_name
from tradewind_features.offline import answering, fetching, joining
from tradewind_features.offline.engine import Limits, memory_bytes, open_engine
from tradewind_features.offline.entity_rows import from_frame


def many(rows: int = 3_000, keys: int = 40, seed: int = 7) -> pa.Table:
    """Rows with late and corrected ones, and exact ties."""
    rng = np.random.default_rng(seed)
    event = 1_700_000_000_000_000 + rng.integers(0, 500, rows) * 3_600_000_000
    created = event + rng.choice([0, 3_600_000_000, 90_000_000_000, -5], rows)
    stamp = pa.timestamp("us", "UTC")
    return pa.table({"k": rng.integers(0, keys, rows), "event": pa.array(event, stamp), "created": pa.array(created, stamp),
                     "a": rng.integers(0, 3, rows), "b": pa.array(rng.random(rows), mask=rng.random(rows) < 0.1)})  # fmt: skip


def some_rows(count: int = 500, seed: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    t = 1_700_000_000_000_000 + rng.integers(-10, 600, count) * 3_600_000_000
    return pd.DataFrame({"n": np.arange(count), "k": rng.integers(0, 44, count), "event_timestamp": pd.to_datetime(t, unit="us", utc=True)})


def test_a_late_row_is_not_seen_before_it_was_created_and_an_older_event_never_after_a_newer(tmp_path: Path) -> None:
    rows = source_rows([("m", at(1), at(1, 1), 1), ("m", at(3), at(3, 1), 3), ("m", at(2), at(5), 2)])
    plan = view(written(tmp_path, rows))
    times = [at(1), at(1, 1), at(3), at(3, 1), at(5), at(9)]
    found = question(asked(["m"] * 6, times), plan).features()
    assert found["v__a"].to_pylist() == [None, 1, 1, 3, 3, 3]
    off = question(asked(["m"] * 6, times), view(written(tmp_path, rows), known_at=False)).features()
    assert off["v__a"].to_pylist() == [1, 1, 3, 3, 3, 3]


def test_a_correction_takes_over_when_it_was_made(tmp_path: Path) -> None:
    rows = source_rows([("m", at(1), at(4), 40), ("m", at(1), at(2), 20), ("m", at(1), at(1), 10)])
    found = question(asked(["m"] * 4, [at(1), at(2), at(3), at(4)]), view(written(tmp_path, rows))).features()
    assert found["v__a"].to_pylist() == [10, 20, 20, 40]


def test_the_ttl_includes_its_last_instant(tmp_path: Path) -> None:
    rows = source_rows([("m", at(1), at(1), 1)])
    plan = view(written(tmp_path, rows), ttl=dt.timedelta(days=2))
    tick = dt.timedelta(microseconds=1)
    found = question(asked(["m"] * 3, [at(3) - tick, at(3), at(3) + tick]), plan).features()
    assert found["v__a"].to_pylist() == [1, 1, None]
    assert question(asked(["m"], [at(3)]), plan).features()["v__a"].to_pylist() == [1]
    nanos = pd.DataFrame({"k": ["m"], "event_timestamp": [pd.Timestamp(at(3)) + pd.Timedelta(1, "ns")]})
    assert question(nanos, plan).features()["v__a"].to_pylist() == [None]


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_nanoseconds_of_a_source_are_compared_whole(tmp_path: Path, zone: str | None) -> None:
    stamp = pa.timestamp("ns", zone)
    event = pd.Timestamp(at(1)).value + 500
    rows = pa.table({"k": ["m"], "event": pa.array([event], stamp), "created": pa.array([event], stamp), "a": [1]})
    times = [pd.Timestamp(event + step, tz="UTC") for step in (-1, 0, 1)]
    plan = view(written(tmp_path, rows))
    frame = pd.DataFrame({"k": ["m"] * 3, "event_timestamp": times})
    assert question(frame, plan).features()["v__a"].to_pylist() == [None, 1, 1]


def test_exact_ties_are_settled_by_value_whatever_the_order_of_rows_and_files(tmp_path: Path) -> None:
    rows = [("m", at(1), at(1), value) for value in (3, 1, None, 2)]
    answers = []
    for number, order in enumerate(([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1])):
        folder = tmp_path / str(number)
        for index, row in enumerate(order):
            written(folder, source_rows([rows[row]]).cast(source_rows([rows[0]]).schema), f"{index}.parquet")
        answers.append(question(asked(["m"], [at(2)]), view(folder)).features()["v__a"].to_pylist())
    assert answers == [[3], [3], [3]]


def test_every_type_passes_through(tmp_path: Path) -> None:
    values = {
        "small": pa.array([1, None], pa.int8()), "wide": pa.array([2**63 + 1, 3], pa.uint64()), "part": pa.array([0.5, None], pa.float32()),
        "yes": pa.array([True, None]), "name": pa.array(["é", None], pa.large_string()), "raw": pa.array([b"\x00\xff", None], pa.binary()),
        "money": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(12, 2)), "day": pa.array([dt.date(2024, 3, 1), None]),
        "moment": pa.array([1, None], pa.timestamp("ns", "America/Sao_Paulo")), "zoned": pa.array([1, None], pa.timestamp("us", "UTC")),
        "span": pa.array([7, None], pa.duration("us")), "list": pa.array([[1.5, None], None], pa.list_(pa.float64())),
        "pair": pa.array([{"x": 1, "y": "a"}, None]), "kind": pa.array(["p", None]).dictionary_encode(),
        "sure": pa.array([7, 8], pa.int64()), "table": pa.array([[("x", 1)], None], pa.map_(pa.string(), pa.int64())),
    }  # fmt: skip
    table = source_rows([("m", at(1), at(1), 0), ("n", at(1), at(1), 0)]).drop_columns(["a"])
    for name, column in values.items():
        table = table.append_column(name, column)
    found = question(asked(["m", "n", "m"], [at(2)] * 3), view(written(tmp_path, table), features=tuple(values))).features()
    for name, column in values.items():
        plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        assert found[f"v__{name}"].type == plain.type, name
        assert found[f"v__{name}"].to_pylist() == plain.take(pa.array([0, 1, 0])).to_pylist(), name


def test_a_column_is_as_wide_as_the_widest_file_and_null_where_a_file_lacks_it(tmp_path: Path) -> None:
    first = source_rows([("m", at(1), at(1), 1)]).set_column(3, "a", pa.array([1], pa.int32()))
    second = source_rows([("m", at(2), at(2), 0.5)])
    third = source_rows([("m", at(3), at(3), 0.5)]).drop_columns(["a"])
    last = source_rows([("m", at(4), at(4), 4.0)])
    for index, table in enumerate((first, second, third, last)):
        written(tmp_path, table, f"{partition_name(at(index + 1).date())}/part.parquet")
    found = question(asked(["m"] * 4, [at(1, 1), at(2, 1), at(3, 1), at(4, 1)]), view(tmp_path)).features()
    assert found["v__a"].type == pa.float64()
    assert found["v__a"].to_pylist() == [1.0, 0.5, None, 4.0]


def test_files_of_one_source_that_hold_a_column_as_different_kinds_are_refused_by_name(tmp_path: Path) -> None:
    written(tmp_path, source_rows([("m", at(1), at(1), "one")]), "0.parquet")
    written(tmp_path, source_rows([("m", at(2), at(2), 2)]), "1.parquet")
    with pytest.raises(StateError, match=r"v\.a.*string.*0\.parquet.*int64"):
        question(asked(["m"], [at(1)]), view(tmp_path)).features()


def test_slices_of_keys_answer_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, many(), row_group_size=500)
    plans = [view(path, features=("a", "b")), view(path, name="w", keys=(), features=("b",), ttl=dt.timedelta(days=1))]
    whole = question(some_rows(), *plans, row_event_at=True).features()
    monkeypatch.setattr(joining, "_BYTES_PER_CANDIDATE", LIMITS_BYTES // 1_000)
    assert question(some_rows(), *plans, row_event_at=True).features().equals(whole)
    assert whole["v__a"].null_count < whole.num_rows


LIMITS_BYTES = memory_bytes(LIMITS.memory)


def test_the_answer_does_not_depend_on_threads_or_the_order_of_rows(tmp_path: Path) -> None:
    table = many()
    shuffled = table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows)))
    answers = [
        question(
            some_rows(),
            view(written(tmp_path / str(number), rows, row_group_size=700), features=("a", "b")),
            limits=Limits("200MB", threads),
        ).features()
        for number, (rows, threads) in enumerate(((table, 1), (table, 4), (shuffled, 2)))
    ]
    assert answers[0].equals(answers[1])
    assert answers[0].equals(answers[2])


def test_small_blocks_and_slices_of_the_answer_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = [view(written(tmp_path, many(), row_group_size=300), features=("a", "b"))]
    whole = question(some_rows(), *plans).features()
    monkeypatch.setattr(fetching, "BLOCK_BYTES", 1)
    assert question(some_rows(), *plans).features().equals(whole)
    monkeypatch.setattr(answering, "_SPARE", 1e-4)
    slices = list(question(some_rows(), *plans).slices())
    assert len(slices) > 2
    assert pa.concat_tables([part for _, part in slices]).equals(whole)
    assert [chosen.start for chosen, _ in slices][:2] == [0, slices[0][1].num_rows]


def test_partitions_that_no_row_can_reach_are_not_opened(tmp_path: Path) -> None:
    for day in (1, 2, 3, 20):
        written(tmp_path, source_rows([("m", at(day), at(day), day)]), f"{partition_name(at(day).date())}/part.parquet")
    for day in (1, 3):
        (tmp_path / partition_name(at(day).date()) / "part.parquet").write_bytes(b"torn")
    plan = view(tmp_path, ttl=dt.timedelta(hours=12))
    torn = question(asked(["m"], [at(2, 1)]), plan)
    assert [part.day for part in torn.joins[0].dataset.parts] == [dt.date(2024, 3, 1), dt.date(2024, 3, 2)]
    near = question(asked(["m"], [at(2, 13)]), plan)
    assert near.features()["v__a"].to_pylist() == [None]
    assert near.describe().joins[0].skipped_partitions == 3
    with pytest.raises(StateError, match=r"event_date=2024-03-01/part\.parquet"):
        torn.features()


def test_it_says_before_and_after_what_it_does(tmp_path: Path) -> None:
    one = question(some_rows(), view(written(tmp_path, many()), features=("a",)))
    (before,) = one.describe().joins
    assert (before.view, before.entity_rows, before.source_rows, before.files) == ("v", 500, 3_000, 1)
    assert before.seconds is before.matched_rows is before.read_bytes is None
    found = one.features()
    (after,) = one.describe().joins
    assert after.matched_rows == 500 - found["v__a"].null_count
    assert after.candidate_rows is not None
    assert 0 < after.candidate_rows <= 3_000
    assert after.read_bytes is not None
    assert 0 < after.read_bytes < tmp_path.joinpath("rows.parquet").stat().st_size
    assert after.seconds is not None
    assert "ASOF JOIN" in after.sql
    assert "500 entity rows against 3,000 rows in 1 files" in str(one.describe())


def test_what_it_spills_goes_away(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    with open_engine(Limits("20MB", 1, spill)) as engine:
        engine.run("CREATE TEMP TABLE t AS SELECT range AS i, hash(range) AS h FROM range(3000000)")
        engine.row("SELECT max(i) FROM (SELECT i FROM t ORDER BY h)")
        assert any(spill.rglob("*"))
    assert list(spill.iterdir()) == []


def test_memory_that_is_short_is_said_with_what_to_do(tmp_path: Path) -> None:
    one = question(some_rows(), view(written(tmp_path, many(50_000))), limits=Limits("3MB", 1, Path("/proc/self/none")))
    with pytest.raises(StateError, match=r"offline_store\.(memory_limit|spill)"):
        one.features()
    with pytest.raises(SettingsError, match=r"memory_limit 'plenty'.*2GB"):
        memory_bytes("plenty")


def test_null_keys_and_times_and_rows_without_a_match_keep_their_place(tmp_path: Path) -> None:
    plan = view(written(tmp_path, source_rows([("m", at(1), at(1), 1), (None, at(1), at(1), 9), ("m", None, at(1), 8)])))
    found = question(asked(["x", None, "m", "m", "m"], [at(2), at(2), None, at(2), at(2)]), plan).features()
    assert found["v__a"].to_pylist() == [None, None, None, 1, 1]


def test_a_key_of_several_columns_needs_all_of_them(tmp_path: Path) -> None:
    names = ("k", "l", "event", "created", "a")
    rows = source_rows([(k, l, at(1), at(1), 10 * k + l) for k in (1, 2) for l in (3, 4)] + [(1, None, at(1), at(1), 9)], names)  # noqa: E741 - k and l are keys
    plan = view(written(tmp_path, rows), keys=(("k", "k"), ("other", "l")))
    frame = pd.DataFrame({"k": [2, 1, 1, None, 2, 1], "other": [4, 3, None, 3, 3, 5], "event_timestamp": [at(2)] * 6})
    assert question(frame, plan).features()["v__a"].to_pylist() == [24, 13, None, None, 23, None]


@pytest.mark.parametrize("keys", [(("k", "k"),), ()])
def test_no_rows_asked_and_no_rows_kept_are_answered(tmp_path: Path, keys: Any) -> None:
    plan = view(written(tmp_path, source_rows([("m", at(1), at(1), 1)])), keys=keys)
    empty = question(asked([], []), plan).features()
    assert (empty.num_rows, empty.schema.field("v__a").type) == (0, pa.int64())
    nothing = view(written(tmp_path / "none", source_rows([("m", at(1), at(1), 1)]).slice(0, 0)), keys=keys)
    assert question(asked(["m"], [at(2)]), nothing).features()["v__a"].to_pylist() == [None]


def test_the_frame_comes_back_as_it_was_given_and_is_not_changed() -> None:
    frame = pd.DataFrame(
        {"t": pd.Categorical(["a", "b"]), "k": [2, 1], "event_timestamp": pd.to_datetime(["2024-03-01", "2024-03-02"]).tz_localize("Europe/Berlin"),
         "x": np.array([1.5, np.nan], np.float32), "o": pd.Series([dt.date(2024, 1, 1), None], dtype=object)}, index=[7, 7],
    )  # fmt: skip
    before = frame.copy(deep=True)
    rows = from_frame(frame)
    pd.testing.assert_frame_equal(rows.to_pandas(), before.reset_index(drop=True))
    pd.testing.assert_frame_equal(frame, before)
    assert rows.to_arrow().column_names == list(frame.columns)
    texts = from_frame(frame.assign(event_timestamp=["2024-03-01T00:00:00+01:00", "2024-03-02"])).to_pandas()
    assert list(texts["event_timestamp"]) == [pd.Timestamp("2024-02-29 23:00", tz="UTC"), pd.Timestamp("2024-03-02", tz="UTC")]


def test_a_feature_named_as_a_column_of_the_rows_is_refused(tmp_path: Path) -> None:
    frame = asked(["m"], [at(2)]).assign(v__a=1)
    with pytest.raises(SettingsError, match="v__a"):
        question(frame, view(written(tmp_path, source_rows([("m", at(1), at(1), 1)]))))


def test_whole_numbers_made_floats_by_nulls_are_keys_still(tmp_path: Path) -> None:
    plan = view(written(tmp_path, source_rows([(7, at(1), at(1), 1)])))
    frame = pd.DataFrame({"k": [7, None], "event_timestamp": [at(2)] * 2})
    assert frame["k"].dtype == np.float64
    assert question(frame, plan).features()["v__a"].to_pylist() == [1, None]


def test_rows_put_where_the_answer_goes_are_parquet(tmp_path: Path) -> None:
    one = question(some_rows(), view(written(tmp_path, many()), features=("a", "b")))
    rows = answering.write_parquet(tmp_path / "answer.parquet", (part for _, part in one.slices()))
    assert rows == 500
    assert pq.read_table(tmp_path / "answer.parquet").equals(one.features())


def instants(unit: str, *values: str | None) -> pa.Array:
    return pa.array([None if value is None else dt.datetime.fromisoformat(value) for value in values], pa.timestamp("us")).cast(
        pa.timestamp(unit)
    )


def test_a_null_created_time_beside_nanoseconds_is_the_oldest(tmp_path: Path) -> None:
    rows = pa.table({"k": ["m", "m"], "event": instants("ns", "2024-03-01", "2024-03-01"),
                     "created": instants("us", None, "2024-03-02"), "a": [9, 1]})  # fmt: skip
    plan = view(written(tmp_path, rows), known_at=False)
    assert question(asked(["m"], [at(5)]), plan).features()["v__a"].to_pylist() == [1]


def test_an_event_before_the_first_nanosecond_does_not_end_the_join(tmp_path: Path) -> None:
    rows = pa.table({"k": ["m", "m"], "event": instants("us", "1600-01-01", "2024-03-02"),
                     "created": instants("ns", "2024-03-01", "2024-03-03"), "a": [1, 2]})  # fmt: skip
    plan = view(written(tmp_path, rows))
    assert question(asked(["m", "m"], [at(2), at(4)]), plan).features()["v__a"].to_pylist() == [1, 2]


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize("years", [290, 400, 292_250])
def test_a_ttl_that_reaches_before_all_instants_is_for_ever(tmp_path: Path, unit: str, years: int) -> None:
    rows = pa.table({"k": ["m"], "event": instants(unit, "1950-01-01"), "created": instants(unit, "1950-01-01"), "a": [1]})
    plan = view(written(tmp_path, rows), ttl=dt.timedelta(days=365 * years))
    frame = asked(["m", "m"], [dt.datetime(1951, 1, 1, tzinfo=dt.UTC), at(4)])
    assert question(frame, plan).features()["v__a"].to_pylist() == [1, 1]


def test_instants_after_the_last_nanosecond_see_rows_of_nanoseconds(tmp_path: Path) -> None:
    rows = pa.table({"k": ["m"], "event": instants("ns", "2024-03-01"), "created": instants("ns", "2024-03-01"), "a": [1]})
    frame = pd.DataFrame({"k": ["m"], "event_timestamp": pd.Series([dt.datetime(2999, 1, 1)]).astype("datetime64[us, UTC]")})
    assert question(frame, view(written(tmp_path, rows))).features()["v__a"].to_pylist() == [1]
