"""What goes wrong with the file: each refusal names file and view, nothing is lost, and what was there is served."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from faults import full_disk, locked_by_another_process, read_only
from online_rows import NOW, NOW_US, SPEC, Row, filled, packed, speeds, written

from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_features.online.backend import Backend, open_backend
from tradewind_features.online.reader import OnlineReader
from tradewind_features.online.sqlite import SqliteBackend
from tradewind_features.online.sqlite_file import is_whole

OLD: list[Row] = [(f"k{i}", NOW_US, NOW_US, 1.0) for i in range(500)]
NEWER: list[Row] = [(f"k{i}", NOW_US, NOW_US + 1, 2.0) for i in range(500)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of 500 rows."""
    path = tmp_path / "online.db"
    written(path, OLD)
    return path


def overwrite(backend: Backend) -> None:
    """A batch over all rows, and a note of it."""
    with backend.transaction("view"):
        backend.write("view", packed(NEWER))
        backend.note_materialized("view", "never")


def test_a_writer_that_is_kept_waiting_too_long_says_who_and_where_and_can_try_again(path: Path) -> None:
    with SqliteBackend(path, busy_timeout_ms=20) as backend:
        with locked_by_another_process(path):
            with pytest.raises(StateError, match=r"online\.db, view 'view': another process holds it for longer.*nothing was written"):
                backend.write("view", packed(NEWER))
            with pytest.raises(StateError, match=r"online\.db, view 'view': another process holds it"), backend.transaction("view"):
                raise AssertionError("never begun")
            assert speeds(path, ["k0", "k499"]) == [1.0, 1.0]
        assert backend.write("view", packed(NEWER)) == 500


@pytest.mark.parametrize("room", [0, 15_000, 30_000])
def test_a_disk_that_fills_up_in_the_middle_keeps_nothing_of_the_batch_and_all_before_it(path: Path, room: int) -> None:
    reader, before = OnlineReader(path), path.read_bytes()
    reader.views()
    with open_backend(path) as backend:
        with full_disk(room), pytest.raises(StateError, match=r"online\.db, view 'view'.*nothing of this batch was kept"):
            overwrite(backend)
        assert reader.read("view", ["k0", "k499"], NOW).values["speed"].tolist() == [1.0, 1.0]
        assert backend.read_materialized() == {}
        assert backend.write("view", packed(NEWER)) == 500
    assert reader.read("view", ["k0", "k499"], NOW).values["speed"].tolist() == [2.0, 2.0]
    reader.close()
    assert is_whole(path)
    assert len(path.read_bytes()) >= len(before)


def test_a_folder_that_can_not_be_written_is_said_before_anything_is_written(path: Path) -> None:
    with read_only(path.parent), pytest.raises(StateError, match=r"online\.db, view 'view'.*(read-only|can't be written)"):
        overwrite(open_backend(path, "view"))
    with read_only(path.parent):
        assert speeds(path, ["k0"]) == [1.0]
    with read_only(path.parent), pytest.raises(StateError, match=r"nowhere.*can't be made"):
        open_backend(path.parent / "nowhere" / "online.db")


@pytest.mark.parametrize("harm", ["substr(packed, 1, 12)", "packed || x'00'", "x''", "replace(packed, 'n1.0', 'n9.0')"])
def test_a_row_that_is_torn_or_altered_is_named_and_never_served_and_its_neighbours_are(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "online.db"
    reader = filled(path, [(key, NOW_US, NOW_US, 1.0) for key in ("a", "b", "c")])
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE rows_view SET packed = CAST({harm} AS BLOB) WHERE entity_key = 'b'")
    connection.commit()
    connection.close()
    for read in (
        lambda keys: reader.read("view", keys, NOW).values["speed"].tolist(),
        lambda keys: reader.vectors([("view", "speed")], {"view": keys}, NOW).values[:, 0].tolist(),
        lambda keys: [row.values["speed"] for row in reader.read_exact("view", keys, NOW)],
    ):
        with pytest.raises(IntegrityError, match=r"online\.db, view 'view': the row of 'b' is damaged.*is not served"):
            read(["a", "b", "c"])
        with pytest.raises(IntegrityError, match="the row of 'b'"):
            read(["b"])
        assert read(["a", "c"]) == [1.0, 1.0]
    written(path, [("b", NOW_US, NOW_US, 3.0)])
    assert reader.read("view", ["b"], NOW).values["speed"].tolist() == [3.0]
    reader.close()


def test_many_damaged_rows_are_named_in_part(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE rows_view SET packed = x'02'")
    connection.commit()
    connection.close()
    with pytest.raises(IntegrityError, match=r"the row of 'k0', 'k1', 'k2', 'k3', 'k4', … is damaged"):
        OnlineReader(path).read("view", [f"k{i}" for i in range(500)], NOW)


def test_a_row_of_a_schema_that_the_store_does_not_know_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE schemas SET fingerprint = 7")
    connection.execute("UPDATE views SET fingerprint = 7")
    connection.commit()
    connection.close()
    with pytest.raises(IntegrityError, match=r"view 'view': the row of 'k3' is damaged.*unknown schema"):
        OnlineReader(path).read("view", ["k3"], NOW)


def test_a_page_that_is_damaged_names_file_and_view_and_leaves_other_views_served(path: Path) -> None:
    written(path, [("z", NOW_US, NOW_US, 4.0)], replace(SPEC, view="other"))
    with sqlite3.connect(path) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'rows_view'").fetchone()[0]
    connection.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: (root - 1) * 4096] + b"\xff" * 4096 + whole[root * 4096 :])
    with pytest.raises(StateError, match=r"online\.db, view 'view': it is damaged; move it away"):
        OnlineReader(path).read("view", ["k3"], NOW)
    with pytest.raises(StateError, match=r"online\.db, view 'view': it is damaged"):
        written(path, NEWER)
    assert speeds(path, ["z"], "other") == [4.0]
    assert not is_whole(path)
