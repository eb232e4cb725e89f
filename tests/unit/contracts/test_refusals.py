"""Refusals inside of errors: ours first, then the disk's, and a bug stays a bug."""

import errno
import sqlite3
from pathlib import Path

import pytest

from tradewind_contracts.errors import QualityError, StateError
from tradewind_contracts.files import sole_holder
from tradewind_contracts.refusals import refusal_in

HOME = Path("/somewhere/home")


class DuckIOError(Exception):
    __module__ = "_duckdb"


def caused(cause: BaseException) -> Exception:
    try:
        try:
            raise cause
        except BaseException as inner:
            raise RuntimeError("a step failed") from inner
    except RuntimeError as outer:
        return outer


def sqlite_error(path: Path) -> sqlite3.Error:
    with pytest.raises(sqlite3.DatabaseError) as found:
        sqlite3.connect(path).execute("create table t (a)")
    return found.value


def test_our_own_refusal_is_found_however_deep() -> None:
    refusal = QualityError("no")
    assert refusal_in(caused(caused(refusal)), HOME) is refusal


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EROFS, "Read-only file system"),
        DuckIOError("No space left on device"),
    ],
)
def test_a_disk_that_refuses_is_a_state_error_that_names_the_home(error: Exception) -> None:
    found = refusal_in(caused(error), HOME)
    assert isinstance(found, StateError)
    assert str(HOME) in str(found)
    assert str(error) in str(found)


def test_a_damaged_and_an_unreachable_sqlite_file_are_told_apart(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"garbage" * 1000)
    assert "is damaged" in str(refusal_in(sqlite_error(damaged), HOME))
    assert "can't be written" in str(refusal_in(sqlite_error(tmp_path / "absent" / "a.db"), HOME))


@pytest.mark.parametrize("error", [KeyError("x"), FileNotFoundError(errno.ENOENT, "absent"), DuckIOError("something else")])
def test_a_bug_is_no_refusal(error: Exception) -> None:
    assert refusal_in(caused(error), HOME) is None


def test_a_chain_that_runs_in_a_circle_ends() -> None:
    first, second = KeyError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert refusal_in(first, HOME) is None
    second.__context__ = refusal = QualityError("no")
    assert refusal_in(first, HOME) is refusal


def test_a_lock_has_one_holder_and_is_free_after(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".lock"
    with sole_holder(path, "busy"), pytest.raises(StateError, match="busy"), sole_holder(path, "busy"):
        pass
    with sole_holder(path, "busy"):
        pass
