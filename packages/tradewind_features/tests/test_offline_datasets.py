"""Which files a source is, what columns it has, and which files a span of time needs."""

import datetime as dt
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from offline_questions import at, source_rows, written

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_features.datasets import open_dataset, open_path, partition_name, pushed_folder, source_location


class FileSource(SimpleNamespace):
    """What is read of Feast's."""


class BigQuerySource(SimpleNamespace):
    """Another kind."""


class DeltaFormat:
    """Another format."""


def source(path: Path | str, name: str = "pace", form: Any = None) -> FileSource:
    return FileSource(name=name, path=str(path), file_format=form)


def days(folder: Path, *numbers: int) -> None:
    for number in numbers:
        written(folder, source_rows([("m", at(number), at(number), number)]), f"{partition_name(at(number).date())}/part.parquet")


def scanned(dataset: Any) -> list[Any]:
    with duckdb.connect() as connection:
        return sorted(row[0] for row in connection.sql(f"SELECT a FROM {dataset.scan()}").fetchall())


def test_a_file_a_folder_and_a_glob_are_datasets(tmp_path: Path) -> None:
    days(tmp_path / "days", 1, 2, 3)
    (tmp_path / "days" / "_unfinished.parquet").write_bytes(b"torn")
    (tmp_path / "days" / ".partial").mkdir()
    (tmp_path / "days" / ".partial" / "x.parquet").write_bytes(b"torn")
    one = written(tmp_path, source_rows([("m", at(9), at(9), 9)]), "one.parquet")
    folder = open_dataset(source(tmp_path / "days"))
    assert scanned(folder) == [1, 2, 3]
    assert list(folder.fingerprints()) == [f"event_date=2024-03-0{day}/part.parquet" for day in (1, 2, 3)]
    assert scanned(open_dataset(source(one))) == [9]
    assert scanned(open_dataset(source("days/event_date=2024-03-0[23]/*.parquet"), tmp_path)) == [2, 3]
    assert scanned(open_dataset(source(f"file://{one}"))) == [9]
    assert folder.columns == {"k": "VARCHAR", "event": "TIMESTAMP WITH TIME ZONE", "created": "TIMESTAMP WITH TIME ZONE", "a": "BIGINT"}
    assert (folder.rows(), folder.about_rows()) == (3, 3)


def test_days_outside_of_a_span_are_left_out_unopened(tmp_path: Path) -> None:
    days(tmp_path, 1, 2, 3)
    (tmp_path / "event_date=2024-03-01" / "part.parquet").write_bytes(b"torn")
    dataset = open_path("pace", tmp_path)
    saopaulo = dt.timezone(dt.timedelta(hours=-3))
    assert scanned(dataset.within(at(2), None)) == [2, 3]
    assert scanned(dataset.within(at(2), at(2, 23))) == [2]
    assert scanned(dataset.within(dt.datetime(2024, 3, 1, 22, tzinfo=saopaulo), dt.datetime(2024, 3, 2, 20))) == [2]
    assert scanned(dataset.within(at(10), None)) == []
    with pytest.raises(StateError, match=r"event_date=2024-03-01/part\.parquet"):
        dataset.rows()


def test_pushed_rows_stand_beside_the_source(tmp_path: Path) -> None:
    days(tmp_path / "days", 1)
    assert pushed_folder(tmp_path / "pushed", "a/../b").parent == tmp_path / "pushed"
    days(pushed_folder(tmp_path / "pushed", "pace"), 5)
    dataset = open_dataset(source(tmp_path / "days"), None, tmp_path / "pushed")
    assert scanned(dataset) == [1, 5]
    assert [name for name in dataset.fingerprints() if name.startswith("pushed/")] == ["pushed/event_date=2024-03-05/part.parquet"]
    assert scanned(dataset.only(["pushed/event_date=2024-03-05/part.parquet"])) == [5]
    assert scanned(open_path("pace", tmp_path / "days", tmp_path / "pushed")) == [1, 5]


def test_a_fingerprint_knows_a_replaced_file_and_a_hard_link_is_the_same(tmp_path: Path) -> None:
    days(tmp_path / "before", 1, 2)
    for day in ("event_date=2024-03-01", "event_date=2024-03-02"):
        (tmp_path / "after" / day).mkdir(parents=True)
        os.link(tmp_path / "before" / day / "part.parquet", tmp_path / "after" / day / "part.parquet")
    before, after = open_path("pace", tmp_path / "before"), open_path("pace", tmp_path / "after")
    assert before.fingerprints() == after.fingerprints()
    before.refuse_replaced()
    days(tmp_path / "after", 2)
    with pytest.raises(StateError, match=r"pace.*after/event_date=2024-03-02/part\.parquet was replaced"):
        after.refuse_replaced()
    changed = open_path("pace", tmp_path / "after").fingerprints()
    assert {name for name in changed if changed[name] != before.fingerprints()[name]} == {"event_date=2024-03-02/part.parquet"}
    (tmp_path / "before" / "event_date=2024-03-01" / "part.parquet").unlink()
    with pytest.raises(StateError, match="was removed"):
        before.refuse_replaced()


def test_columns_that_older_files_lack_are_null_there_and_in_windows_without_them(tmp_path: Path) -> None:
    days(tmp_path, 1, 2)
    wide = source_rows([("m", at(3), at(3), 3)]).append_column("b", pa.array([0.5]))
    written(tmp_path, wide, "event_date=2024-03-03/part.parquet")
    dataset = open_path("pace", tmp_path)
    with duckdb.connect() as connection:
        assert connection.sql(f"SELECT a, b FROM {dataset.scan()} ORDER BY a").fetchall() == [(1, None), (2, None), (3, 0.5)]
        assert connection.sql(f"SELECT a, b FROM {dataset.within(None, at(1)).scan()}").fetchall() == [(1, None)]
        assert connection.sql(f"SELECT b FROM {dataset.within(at(9), None).scan()}").fetchall() == []
        located = dataset.within(at(2), None).scan(["b"], located=True)
        assert connection.sql(f"SELECT b, file_index, file_row_number FROM {located} ORDER BY 2").fetchall() == [(None, 0, 0), (0.5, 1, 0)]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: BigQuerySource(name="pace", path="x", file_format=None), r"source pace.*FileSource.*BigQuerySource"),
        (lambda: source("x", form=DeltaFormat()), r"source pace.*Parquet.*DeltaFormat"),
        (lambda: source("s3://bucket/pace.parquet"), r"source pace.*local.*s3://bucket"),
    ],
    ids=["another kind of source", "another format", "remote"],
)
def test_what_is_not_local_parquet_is_refused_by_name_and_kind(made: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        source_location(made())


def test_what_is_not_there_or_torn_is_said_by_path(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"pace: no Parquet file at .*/none"):
        open_dataset(source("none"), tmp_path)
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(StateError, match=r"torn\.parquet"):
        open_dataset(source("torn.parquet"), tmp_path)


def test_names_and_paths_with_quotes_are_read(tmp_path: Path) -> None:
    table = source_rows([("m", at(1), at(1), 7)]).rename_columns(["k", "event", "created", 'it"s'])
    pq.write_table(table, tmp_path / "it's.parquet")
    dataset = open_path("x", tmp_path / "it's.parquet")
    with duckdb.connect() as connection:
        assert connection.sql(f'SELECT "it""s" FROM {dataset.scan()}').fetchall() == [(7,)]
