"""The file of the embedded store: whose it is, whether it is whole, and reading it where nobody can write."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from faults import full_disk, read_only
from online_rows import NOW, NOW_US, filled, packed, speeds, written

from tradewind_contracts.errors import StateError
from tradewind_features.online import sqlite_file
from tradewind_features.online.backend import open_backend
from tradewind_features.online.reader import OnlineReader
from tradewind_features.online.rows import Fetched
from tradewind_features.online.sqlite_reading import Keys, SqliteSession


@pytest.mark.parametrize("how", ["full disk", "read-only folder"])
def test_a_store_whose_index_can_not_be_made_is_read_nevertheless_and_anew_once_somebody_writes(tmp_path: Path, how: str) -> None:
    path = tmp_path / "online.db"
    filled(path, [("a", NOW_US, NOW_US, 1.0)])
    reader = OnlineReader(path)
    with full_disk() if how == "full disk" else read_only(tmp_path):
        assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [1.0]
        assert how == "full disk" or [file.name for file in tmp_path.iterdir()] == ["online.db"]
    filled(path, [("a", NOW_US + 1, NOW_US + 1, 2.0)])
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [2.0]
    with open_backend(path) as backend:
        backend.write("view", packed([("a", NOW_US + 2, NOW_US + 2, 3.0)]))
        assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [3.0]
    reader.close()


def test_what_was_read_while_a_write_began_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "online.db"
    filled(path, [("a", NOW_US, NOW_US, 1.0)])
    reader = OnlineReader(path)
    with read_only(tmp_path):
        reader.views()
    fetch = SqliteSession.fetch
    seen = []

    def fetch_while_another_writes(session: SqliteSession, keys: Keys) -> Fetched:
        found = fetch(session, keys)
        if not seen:
            written(path, [("a", NOW_US + 1, NOW_US + 1, 2.0)])
        seen.append(found)
        return found

    monkeypatch.setattr(SqliteSession, "fetch", fetch_while_another_writes)
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [2.0]
    assert len(seen) == 2
    reader.close()


@pytest.mark.parametrize("kept_bytes", [0, 4096])
def test_a_damaged_file_is_set_aside_and_a_whole_one_is_not(tmp_path: Path, kept_bytes: int) -> None:
    path = tmp_path / "online.db"
    filled(path, [("a", NOW_US, NOW_US, 1.0)])
    sqlite_file.set_damaged_aside(path)
    assert sqlite_file.is_whole(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:kept_bytes] + b"\xff" * (len(whole) - kept_bytes))
    assert not sqlite_file.is_whole(path)
    sqlite_file.set_damaged_aside(path)
    assert [file.name for file in tmp_path.iterdir()] == ["online.db.damaged"]
    filled(path, [("a", NOW_US, NOW_US, 2.0)])
    assert speeds(path, ["a"]) == [2.0]


def test_whom_a_damaged_store_was_asked_to_forget_stays_forgotten_in_the_one_that_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    filled(path, [(f"k{i}", NOW_US, NOW_US, 1.0) for i in range(2000)])
    with open_backend(path) as backend:
        backend.erase("id", "k7", NOW_US)
        before = backend.erased()
    whole = path.read_bytes()
    page = whole.rindex(b"k1999") // 4096
    path.write_bytes(whole[: page * 4096] + b"\xff" * 4096 + whole[(page + 1) * 4096 :])
    sqlite_file.set_damaged_aside(path)
    with open_backend(path) as backend:
        assert backend.erased() == before
        assert backend.views() == {}
    assert written(path, [("k7", NOW_US, NOW_US, 1.0), ("k8", NOW_US, NOW_US, 1.0)]) == 1


def test_it_is_said_where_a_store_is_too_damaged_to_tell_whom_it_was_asked_to_forget(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "online.db"
    filled(path, [("a", NOW_US, NOW_US, 1.0)])
    path.write_bytes(b"\xff" * 8192)
    sqlite_file.set_damaged_aside(path)
    assert "asked to forget can't be read" in caplog.text


def test_a_file_of_an_older_layout_is_refused_with_what_to_do_and_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {sqlite_file.APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.execute("CREATE TABLE views (view)")
    connection.close()
    with pytest.raises(StateError, match=r"layout 2 \(application 0x54574f53, layout 1\); move it away, then `feast apply`"):
        OnlineReader(path).views()
    assert not sqlite_file.is_whole(path)
    sqlite_file.set_damaged_aside(path)
    assert not path.exists()


def test_another_programs_file_is_neither_read_nor_written_nor_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StateError, match="not a packed online store"):
        OnlineReader(path).views()
    with pytest.raises(StateError, match="not a packed online store"):
        open_backend(path)
    sqlite_file.set_damaged_aside(path)
    assert path.read_bytes() == before
    path.write_bytes(b"nothing that SQLite knows" * 100)
    with pytest.raises(StateError, match=r"online\.db: it is no SQLite file; move it away"):
        OnlineReader(path).views()


def test_the_reader_and_the_transforms_import_neither_feast_nor_pandas_nor_a_redis_client() -> None:
    code = (
        "import sys; import tradewind_features.online.reader, tradewind_features.online.backend, tradewind_features.online.sqlite;"
        "import tradewind_features.transforms, tradewind_features.keys;"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'feast', 'pandas', 'duckdb', 'dask', 'torch', 'ibis', 'redis'}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
