"""Known answers of the detectors of leaks: the power of one feature, and rows of two builds held against each other."""

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.errors import StateError
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES
from tradewind_lifecycle.leaks.cutting import landing_known_at
from tradewind_lifecycle.leaks.power import BINS, LAG, LOST, MOST, Power, check_power, power_of, powers, ranks
from tradewind_lifecycle.leaks.rewritten import changed_days, compare_datasets, compare_rows
from tradewind_lifecycle.partitions import LISTING, Partition
from tradewind_lifecycle.training_sets import SealedSet, seal

AS_OF = dt.datetime(2018, 5, 10, tzinfo=dt.UTC)
N = 4_000


def test_ranks_share_their_mean_where_values_are_equal() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0.0, 2.5, 1.0]


def test_the_outcome_itself_has_nearly_all_power_and_noise_has_none() -> None:
    random = np.random.default_rng(3)
    outcome = random.gamma(3.0, 4.0, N)
    assert power_of(outcome, ranks(outcome)) > 1 - 2 / BINS**2
    assert power_of(-outcome, ranks(outcome)) > 1 - 2 / BINS**2, "no direction is asked for"
    assert power_of(np.abs(outcome - np.median(outcome)), ranks(outcome)) < 0.9
    chance = [power_of(random.normal(size=N), ranks(outcome)) for _ in range(20)]
    assert np.mean(chance) < 0.004
    assert max(chance) < 0.02


def test_power_is_that_of_two_groups_by_hand() -> None:
    """Ranks 0 to 3, groups {0, 1} and {2, 3}: between 4 of 5, so 0.8, and 1 − 0.2 · 3 / 2 less chance."""
    assert power_of(np.array([1.0, 1.0, 2.0, 2.0]), np.arange(4.0)) == pytest.approx(0.7)
    assert power_of(np.array(["a", "a", None, None], dtype=object), np.arange(4.0)) == pytest.approx(0.7)


def test_nulls_that_go_with_the_outcome_are_seen() -> None:
    outcome = np.arange(float(N))
    feature = np.where(outcome > N / 2, np.nan, 1.0)
    assert power_of(feature, ranks(outcome)) == pytest.approx(0.75, abs=0.01)


def test_a_constant_and_a_feature_of_another_value_for_each_of_few_rows_have_no_power() -> None:
    outcome = ranks(np.arange(10.0))
    assert power_of(np.ones(10), outcome) == 0.0
    assert power_of(np.arange(10.0), outcome) == 0.0
    assert power_of(np.arange(10.0), np.zeros(10)) == 0.0


def sealed_set(settings: Settings, leak: np.ndarray[Any, Any]) -> SealedSet:
    """A sealed set of one honest view, which tells a fifth of the outcome, and one that holds ``leak``; a tenth is under way."""
    random = np.random.default_rng(5)
    outcome = outcomes()
    lane = outcome + random.normal(0, 2 * outcome.std(), N)
    duration = [None if row % 10 == 0 else value for row, value in enumerate(outcome.tolist())]
    columns = {
        "parcel_id": pa.array([f"p{row}" for row in range(N)]),
        "event_timestamp": pa.array([AS_OF - dt.timedelta(minutes=row) for row in range(N)], pa.timestamp("us", "UTC")),
        "duration_days": pa.array(duration, pa.float64()),
        "lane_pace__hours": pa.array(lane),
        "parcel_fate__days": pa.array(leak),
        "parcel_request__distance_km": pa.array(lane),
        "lane_pace__age_hours": pa.array(np.full(N, 3.0)),
        "parcel_fate__age_hours": pa.array(np.zeros(N)),
    }
    return seal(pa.table(columns), {"feature_service": "s"}, settings)


def outcomes() -> np.ndarray[Any, Any]:
    return np.random.default_rng(4).gamma(3.0, 4.0, N)


def a_day_before(sealed: SealedSet, asked: list[pa.Table]) -> Any:
    """A join that finds of the lane what it was, and of the parcel, which was not ordered yet, nothing."""

    def build(service: str, rows: pa.Table, _: Settings) -> pa.Table:
        assert service == "s"
        asked.append(rows)
        whole = sealed.table()
        places = [int(parcel[1:]) for parcel in rows["parcel_id"].to_pylist()]
        features = whole.select([name for name in whole.column_names if "__" in name]).take(np.array(places))
        nothing = pa.nulls(rows.num_rows, pa.float64())
        for name in ("parcel_fate__days", "parcel_fate__age_hours"):
            features = features.set_column(features.column_names.index(name), name, nothing)
        return features

    return build


def test_the_outcome_with_noise_is_too_good_and_an_honest_lane_is_not(own_settings: Settings) -> None:
    outcome = outcomes()
    sealed = sealed_set(own_settings, outcome + np.random.default_rng(6).normal(0, 0.3 * outcome.std(), N))
    asked: list[pa.Table] = []
    found = {power.column: power for power in powers(sealed, own_settings, a_day_before(sealed, asked))}
    assert [name for name, power in found.items() if power.is_too_good] == ["parcel_fate__days"]
    leak, lane = found["parcel_fate__days"], found["lane_pace__hours"]
    assert leak.power > MOST + 0.2
    assert leak.lagged == 0.0
    assert leak.lost > LOST + 0.5
    assert 0.05 < lane.power < MOST - 0.2
    assert lane.lost == 0.0
    assert found["parcel_request__distance_km"].lagged is None
    assert leak.rows == N - N // 10, "parcels under way have no outcome"
    shift = {before - at for before, at in zip(asked[0]["event_timestamp"].to_pylist(), _events(sealed, asked[0]), strict=True)}
    assert shift == {-LAG}
    assert not [name for name in asked[0].column_names if "__" in name]


def _events(sealed: SealedSet, rows: pa.Table) -> list[dt.datetime]:
    at = dict(zip(sealed.table()["parcel_id"].to_pylist(), sealed.table()["event_timestamp"].to_pylist(), strict=True))
    return [at[parcel] for parcel in rows["parcel_id"].to_pylist()]


def test_a_weak_leak_is_known_by_the_power_that_it_owes_to_the_last_day(own_settings: Settings) -> None:
    outcome = outcomes()
    sealed = sealed_set(own_settings, outcome + np.random.default_rng(6).normal(0, 1.2 * outcome.std(), N))
    found = {power.column: power for power in powers(sealed, own_settings, a_day_before(sealed, []))}
    assert found["parcel_fate__days"].power < MOST
    assert found["parcel_fate__days"].lost > LOST
    assert [name for name, power in found.items() if power.is_too_good] == ["parcel_fate__days"]


def test_claims_about_power_warn_and_say_the_numbers(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewind_lifecycle.leaks import power

    leak = Power("parcel_fate__days", 100, 0.9, 0.88, 0.0)
    monkeypatch.setattr(power, "powers", lambda *_: [leak])
    alone, owed = check_power(SealedSet(digest="d", path=Path(), rows=100, facts={}), own_settings)
    assert (alone.passed, owed.passed) == (False, False)
    assert {str(alone.severity), str(owed.severity)} == {"warning"}
    assert (alone.table, alone.observed["power"], owed.observed["a_day_before"]) == ("parcel_fate", 0.9, 0.0)


def test_a_set_without_outcomes_is_refused(own_settings: Settings) -> None:
    table = pa.table({"duration_days": pa.array([None], pa.float64()), "v__f": pa.array([1.0])})
    with pytest.raises(StateError, match="no outcome is known"):
        powers(seal(table, {"feature_service": "s"}, own_settings), own_settings)


def rows(*values: tuple[str, int, int, float | None]) -> pa.Table:
    """Key, event day, created hour of that day, value."""
    return pa.table(
        {
            "merchant_id": pa.array([key for key, *_ in values], pa.string()),
            "event_timestamp": pa.array([AS_OF + dt.timedelta(days=day) for _, day, *_ in values], pa.timestamp("us", "UTC")),
            "created_timestamp": pa.array([AS_OF + dt.timedelta(days=day, hours=h) for _, day, h, _ in values], pa.timestamp("us", "UTC")),
            "pace": pa.array([value for *_, value in values], pa.float64()),
        }
    )


BEFORE = rows(("a", 0, 1, 1.0), ("b", 0, 1, None), ("a", 1, 1, 2.0))


@pytest.mark.parametrize(
    ("after", "changed", "vanished", "added"),
    [
        (BEFORE, 0, 0, 0),
        (pa.concat_tables([BEFORE, rows(("a", 2, 1, 3.0))]), 0, 0, 0),
        (rows(("a", 0, 1, 1.0), ("b", 0, 1, None), ("a", 1, 1, 2.5)), 1, 0, 0),
        (rows(("a", 0, 1, 1.0), ("b", 0, 1, 0.0), ("a", 1, 1, 2.0)), 1, 0, 0),
        (rows(("a", 0, 1, 1.0), ("a", 1, 1, 2.0)), 0, 1, 0),
        (pa.concat_tables([BEFORE, rows(("c", 0, 1, 3.0))]), 0, 0, 1),
        (pa.concat_tables([BEFORE, rows(("a", 0, 48, 9.0))]), 0, 0, 0),
        (rows(("a", 0, 2, 1.0), ("b", 0, 1, None), ("a", 1, 1, 2.0)), 0, 1, 1),
    ],
    ids=[
        "equal",
        "a day later",
        "another value",
        "a null that was filled",
        "gone",
        "added behind",
        "a late row, created later",
        "another created time",
    ],
)
def test_rows_of_two_builds_are_told_apart(after: pa.Table, changed: int, vanished: int, added: int) -> None:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("former_rows", BEFORE)
        connection.register("latter_rows", after)
        known_until = AS_OF + dt.timedelta(days=1, hours=1)
        found = compare_rows(
            connection, "select * from former_rows", "select * from latter_rows", ["merchant_id", "event_timestamp"], known_until
        )
    assert (found.rows, found.changed, found.vanished, found.added) == (3, changed, vanished, added)
    assert found.columns == ({"pace": 1} if changed else {})
    assert len(found.samples) == changed + vanished + added
    assert bool(found.days) == bool(changed + vanished + added)
    if changed:
        assert found.samples[0]["columns"] == ["pace"]


def dataset(folder: Path, *parts: tuple[str, pa.Table]) -> Path:
    listing = {}
    for day, table in parts:
        path = folder / f"event_date={day}" / "part.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(table, path)
        listing[day] = Partition(digest=f"{day}-{table['pace'].to_pylist()}", rows=table.num_rows, content="")
    text = "{" + ", ".join(f'"{day}": {part.model_dump_json()}' for day, part in listing.items()) + "}"
    (folder / LISTING).write_text(text, encoding="utf-8")
    return folder


def test_only_days_with_other_bytes_are_read_and_days_past_the_retention_are_no_change(tmp_path: Path) -> None:
    days = ["2018-05-10", "2018-05-11", "2018-05-12"]
    tables = [rows(("a", day, 1, float(day))) for day in range(3)]
    before = dataset(tmp_path / "before", *zip(days, tables, strict=True))
    later = dataset(tmp_path / "later", (days[1], tables[1]), (days[2], rows(("a", 2, 1, 7.0))))
    assert changed_days(before, later) == ({days[2]}, set())
    found = compare_datasets("ftr_x", before, later, ["merchant_id"], AS_OF + dt.timedelta(days=9))
    assert (found.rows, found.changed, found.vanished, found.days) == (1, 1, 0, [days[2]])
    holed = dataset(tmp_path / "holed", (days[0], tables[0]), (days[2], tables[2]))
    found = compare_datasets("ftr_x", before, holed, ["merchant_id"], AS_OF + dt.timedelta(days=9))
    assert (found.rows, found.changed, found.vanished, found.days) == (1, 0, 1, [days[1]])
    assert compare_datasets("ftr_x", before, before, ["merchant_id"], AS_OF).rows == 0


def test_a_landing_table_is_cut_by_the_known_at_of_its_rows_and_columns(tmp_path: Path) -> None:
    table = TABLES["orders"]
    at = dt.datetime(2018, 5, 1, tzinfo=dt.UTC)
    stamps = [at - dt.timedelta(days=2), at - dt.timedelta(days=1), at]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; create schema landing")
        columns = ", ".join(f"{column.name} {column.kind.sql}" for column in table.all_columns)
        connection.execute(f"create table raw ({columns})")
        for number, ordered_at in enumerate(stamps):
            approved_at = ordered_at + dt.timedelta(hours=30)
            connection.execute(
                "insert into raw (order_id, ordered_at, approved_at) values (?, ?, ?)", [f"o{number}", ordered_at, approved_at]
            )
        connection.execute(f"copy raw to '{tmp_path / 'orders.parquet'}'")
        connection.execute(landing_known_at(table, tmp_path / "orders.parquet", at))
        seen = connection.execute("select order_id, approved_at is not null from landing.orders order by order_id").fetchall()
        assert seen == [("o0", True), ("o1", False)]
        connection.execute(landing_known_at(TABLES["parcels"], None, at))
        assert connection.execute("select count(*) from landing.parcels").fetchone() == (0,)
