"""Past days of a view are filled by partition: what was published stays, what is filled may be used for the past, a kill costs a batch."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import evolving_world
import feature_world
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evolving_world import PACE, PACE_TABLE, declared, digest
from feast import FeatureService

from tradewind_contracts.errors import IntegrityError, QualityError, SettingsError, StateError
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import feature_store, training_sets
from tradewind_lifecycle.feature_store import Repository
from tradewind_lifecycle.partitions import day_folder, read_partitions
from tradewind_lifecycle.publishing import PublishedModel
from tradewind_lifecycle.views import backfilling
from tradewind_lifecycle.views.backfilling import Backfilled, Days, publish_days

SQL = digest("select 1")
MODEL = PublishedModel(PACE_TABLE, "features", ("merchant_id", "event_timestamp"), may_be_empty=False)
FIRST, LAST = dt.date(2018, 4, 21), dt.date(2018, 5, 10)
"""The twenty days that are built."""


@dataclass
class Filling:
    """A world whose other views are published and one of whose tables is built in the warehouse."""

    settings: Settings
    manifest: dict[str, Any]

    def build(self, change: Callable[[pa.Table], pa.Table] = lambda rows: rows) -> pa.Table:
        """Build the table anew, changed."""
        described = next(view for view in self.manifest["views"] if view["model"] == PACE_TABLE)
        rows = change(feature_world.daily_rows(described))
        path = self.settings.paths.warehouse
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema if not exists features")
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"create or replace table features.{PACE_TABLE} as select * from rows order by random()")
        return rows

    def fill(self, first: dt.date | None = None, last: dt.date | None = None, sql: str = SQL, **more: Any) -> Backfilled:
        settings = more.pop("settings", self.settings)
        return publish_days(PACE, MODEL, sql, feature_world.LAG, settings, Days(first, last), **more)

    @property
    def folder(self) -> Path:
        """The dataset that is published now."""
        folder = self.settings.paths.published / "features"
        return folder / Manifest.read(folder).table(PACE_TABLE).path

    def rows(self) -> pa.Table:
        """All published rows, in the order of merchant and time."""
        parts = [pq.ParquetFile(self.folder / day_folder(day) / "part.parquet").read() for day in read_partitions(self.folder)]
        return pa.concat_tables(parts).sort_by([("merchant_id", "ascending"), ("event_timestamp", "ascending")])


def days(first: dt.date, last: dt.date) -> list[str]:
    return [(first + dt.timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]


@pytest.fixture
def filling(tmp_path: Path, feature_manifest: dict[str, Any]) -> Filling:
    settings = feature_world.land_world(tmp_path / "home")
    described = {view["model"]: view for view in feature_manifest["views"]}
    flow = evolving_world.FLOW_TABLE
    evolving_world.publish_defined(settings, {flow: feature_world.daily_rows(described[flow])}, {})
    made = Filling(settings, feature_manifest)
    made.build()
    return made


def test_a_view_without_published_days_gets_them_all_and_others_are_left_alone(filling: Filling) -> None:
    folder = filling.settings.paths.published / "features"
    before = Manifest.read(folder)
    said: list[str] = []
    done = filling.fill(say=said.append)
    assert (done.added, done.rows, said) == (
        days(FIRST, LAST),
        60,
        [f"{PACE}: 2018-04-21 to 2018-05-10 published, 20 days to write in all"],
    )
    assert filling.rows().equals(filling.build().sort_by([("merchant_id", "ascending"), ("event_timestamp", "ascending")]))
    after = Manifest.read(folder)
    assert {**before.tables, PACE_TABLE: after.table(PACE_TABLE)} == after.tables
    assert (after.table(PACE_TABLE).definition, after.facts) == (SQL, before.facts)


def test_some_days_are_filled_and_only_their_partitions_written(filling: Filling) -> None:
    filling.fill(LAST - dt.timedelta(days=2), LAST)
    earlier = filling.folder
    done = filling.fill(FIRST, FIRST + dt.timedelta(days=3))
    assert done.added == days(FIRST, FIRST + dt.timedelta(days=3))
    assert list(read_partitions(filling.folder)) == [*done.added, *days(LAST - dt.timedelta(days=2), LAST)]
    for day in days(LAST - dt.timedelta(days=2), LAST):
        assert (filling.folder / day_folder(day) / "part.parquet").samefile(earlier / day_folder(day) / "part.parquet")


def test_filled_again_nothing_is_written(filling: Filling) -> None:
    filling.fill()
    stamps = {path: path.stat().st_mtime_ns for path in filling.folder.rglob("*")}
    manifest = Manifest.read(filling.folder.parent)
    done = filling.fill()
    assert (done.added, done.rewritten, done.left, done.rows) == ([], [], [], 60)
    assert "nothing to do" in done.said()
    assert ({path: path.stat().st_mtime_ns for path in filling.folder.rglob("*")}, Manifest.read(filling.folder.parent)) == (
        stamps,
        manifest,
    )


def test_a_day_that_was_published_otherwise_stays_unless_rewriting_is_asked_for(filling: Filling) -> None:
    filling.fill(FIRST + dt.timedelta(days=5), LAST)
    published = filling.rows()

    def changed(rows: pa.Table) -> pa.Table:
        rows = _with_day(rows, FIRST + dt.timedelta(days=7), 1.0)
        stamps, keys = rows["event_timestamp"].to_pylist(), rows["merchant_id"].to_pylist()
        gone = FIRST + dt.timedelta(days=8)
        return rows.filter(pa.array([(at.date(), key) != (gone, "m2") for at, key in zip(stamps, keys, strict=True)]))

    filling.build(changed)
    done = filling.fill()
    assert (done.added, done.left) == (days(FIRST, FIRST + dt.timedelta(days=4)), ["2018-04-28", "2018-04-29"])
    assert "2 days were published with other rows and stay so (2018-04-28, 2018-04-29); --replace rewrites them" in done.said()
    since = pa.array([at.date() >= FIRST + dt.timedelta(days=5) for at in filling.rows()["event_timestamp"].to_pylist()])
    assert filling.rows().filter(since).equals(published)
    done = filling.fill(last=FIRST + dt.timedelta(days=7), replace=True)
    assert (done.added, done.rewritten, done.left) == ([], ["2018-04-28"], []), "only of the days asked for"
    assert filling.fill(replace=True).rewritten == ["2018-04-29"]
    assert filling.fill().left == []


def test_a_published_day_that_is_not_built_any_more_stays_unless_it_is_replaced(filling: Filling) -> None:
    filling.fill()
    filling.build(lambda rows: rows.filter(pa.array([at.date() != LAST for at in rows["event_timestamp"].to_pylist()])))
    assert filling.fill().left == [LAST.isoformat()]
    done = filling.fill(replace=True)
    assert (done.removed, done.rows) == ([LAST.isoformat()], 57)
    assert list(read_partitions(filling.folder)) == days(FIRST, LAST - dt.timedelta(days=1))


def test_killed_between_batches_it_goes_on_where_it_was(filling: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfilling, "BATCH_DAYS", 6)

    def kill(line: str) -> None:
        raise KeyboardInterrupt(line)

    with pytest.raises(KeyboardInterrupt, match="2018-04-21 to 2018-04-26 published, 20 days"):
        filling.fill(say=kill)
    assert list(read_partitions(filling.folder)) == days(FIRST, FIRST + dt.timedelta(days=5))
    first = filling.folder
    said: list[str] = []
    done = filling.fill(say=said.append)
    assert (done.added[0], len(done.added), len(said), done.rows) == ("2018-04-27", 14, 3, 60)
    assert (filling.folder / "event_date=2018-04-21" / "part.parquet").samefile(first / "event_date=2018-04-21" / "part.parquet")
    whole = filling.folder.name
    monkeypatch.undo()
    filling.settings.paths.published.joinpath("features", "kept.json").unlink()
    assert filling.fill().said().startswith(f"{PACE}: nothing to do")
    assert filling.folder.name == whole, "however it was filled, it is the same dataset"


def test_rows_that_a_training_set_of_the_past_could_not_use_are_refused(filling: Filling) -> None:
    def late(rows: pa.Table) -> pa.Table:
        created = [at + dt.timedelta(hours=at.day == 3) for at in rows["created_timestamp"].to_pylist()]
        return rows.set_column(rows.column_names.index("created_timestamp"), "created_timestamp", pa.array(created, feature_world.STAMP))

    filling.build(late)
    with pytest.raises(IntegrityError, match=r"3 rows \(the first of 2018-05-03.*\) are not created at their event plus 60 minutes"):
        filling.fill()
    assert PACE_TABLE not in Manifest.read(filling.settings.paths.published / "features").tables
    assert filling.fill(last=dt.date(2018, 5, 2)).rows == 36, "days that are right can be filled"


def test_days_past_the_retention_are_left_out_and_told(filling: Filling) -> None:
    done = filling.fill(settings=filling.settings.model_copy(update={"feature_retention_days": 4}))
    assert (done.added, len(done.expired)) == (days(LAST - dt.timedelta(days=4), LAST), 15)
    assert "15 days left out, past the retention (2018-04-21 to 2018-05-05)" in done.said()


def test_days_of_two_definitions_do_not_stand_in_one_dataset(filling: Filling) -> None:
    filling.fill()
    with pytest.raises(SettingsError, match="not what its published days were made by; backfill all its days"):
        filling.fill(FIRST, FIRST, sql=digest("select 2"))
    filling.build(lambda rows: _with_day(rows, LAST, 5.0))
    first = filling.folder
    done = filling.fill(sql=digest("select 2"))
    linked = [
        day
        for day in days(FIRST, LAST)
        if (filling.folder / day_folder(day) / "part.parquet").samefile(first / day_folder(day) / "part.parquet")
    ]
    assert linked == days(FIRST, LAST - dt.timedelta(days=1)), "the same rows are the same file, whoever made them"
    assert (len(done.added), done.left) == (20, []), "another definition's days were never published"
    assert Manifest.read(filling.folder.parent).table(PACE_TABLE).definition == digest("select 2")


def test_a_publication_in_between_is_not_overwritten(filling: Filling) -> None:
    filling.fill(LAST, LAST)

    def publish(_: str) -> None:
        folder = filling.folder.parent
        present = Manifest.read(folder)
        table = present.table(PACE_TABLE).model_copy(update={"rows": 99})
        present.model_copy(update={"tables": {**present.tables, PACE_TABLE: table}}).write(folder)

    with pytest.MonkeyPatch.context() as context:
        context.setattr(backfilling, "BATCH_DAYS", 6)
        with pytest.raises(StateError, match="published by somebody else meanwhile"):
            filling.fill(say=publish)
    assert Manifest.read(filling.folder.parent).table(PACE_TABLE).rows == 99


def test_an_empty_or_absent_table_is_refused(filling: Filling) -> None:
    filling.build(lambda rows: rows.slice(0, 0))
    with pytest.raises(QualityError, match="0 rows"):
        filling.fill()
    with duckdb.connect(str(filling.settings.paths.warehouse)) as connection:
        connection.execute(f"drop table features.{PACE_TABLE}")
    with pytest.raises(StateError, match="is not built"):
        filling.fill()


def test_a_training_set_before_and_after_differs_only_in_the_new_views_columns(filling: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(*names: str) -> None:
        made = declared(names=names)
        service = FeatureService(name="both", features=made.views)
        monkeypatch.setattr(feature_store, "repository", lambda: Repository(made.entities, made.views, [], [service]))
        feature_store.apply(filling.settings)

    asked = [dt.datetime(2018, 5, 4, tzinfo=dt.UTC) + dt.timedelta(minutes=m) for m in (0, 59, 60, 61, 24 * 60 + 60)]
    rows = pa.table(
        {
            "event_timestamp": pa.array(asked, feature_world.STAMP),
            "merchant_id": pa.array(["m3"] * len(asked)),
            "network_id": pa.array(["all"] * len(asked)),
        }
    )
    serve(evolving_world.FLOW)
    before = training_sets.build("both", rows, filling.settings)
    filling.fill()
    serve(evolving_world.FLOW, PACE)
    after = training_sets.build("both", rows, filling.settings)
    added = [name for name in after.column_names if name not in before.column_names]
    assert after.select(before.column_names).equals(before)
    assert added
    assert {name.split("__")[0] for name in added} == {PACE}
    published = filling.rows().to_pylist()
    stored = {row["event_timestamp"]: row[evolving_world.FEATURE] for row in published if row["merchant_id"] == "m3"}
    third, fourth, fifth = (stored[dt.datetime(2018, 5, day, tzinfo=dt.UTC)] for day in (3, 4, 5))
    assert len({third, fourth, fifth, None}) == 4
    assert after[f"{PACE}__{evolving_world.FEATURE}"].to_pylist() == [third, third, fourth, fourth, fifth], "as it was known then: t + lag"


def _with_day(rows: pa.Table, day: dt.date, shift: float) -> pa.Table:
    """The rows with ``shift`` added to the numbers of one day."""
    of_day = pa.array([at.date() == day for at in rows["event_timestamp"].to_pylist()])
    others = pa.array([not value for value in of_day.to_pylist()])
    return pa.concat_tables([rows.filter(others), evolving_world.shifted(rows.filter(of_day), shift)])
