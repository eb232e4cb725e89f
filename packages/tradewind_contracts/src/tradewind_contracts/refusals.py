"""The refusal inside of an error: ours, or that of a disk which told DuckDB, Arrow, SQLite or Dagster instead of us."""

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tradewind_contracts.errors import StateError, TradewindError

_REFUSED_BY_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
_REFUSED_TO_SQLITE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_DAMAGED_SQLITE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SAID_BY_DUCKDB = ("No space left", "Read-only file system", "Permission denied")
"""DuckDB has one class for all that goes wrong with files, and no number in it."""


def refusal_in(error: BaseException, home: Path) -> TradewindError | None:
    """The first refusal among ``error`` and what led to it, outermost first; None where it is something else, such as a bug.

    A disk that is full, read-only or forbidden, and a damaged SQLite file, become a ``StateError`` that names ``home``.
    """
    for cause in _causes(error):
        if isinstance(cause, TradewindError):
            return cause
        if _is_damage(cause):
            return StateError(f"{home}: a SQLite file in it is damaged ({cause}); restore it, or move it away and run again")
        if _is_refused_by_disk(cause):
            return StateError(f"{home}: can't be written ({cause}); what was published stands, make room or mend the rights and run again")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    # Dagster raises a step's own exception again from what it was wrapped in: the chain may run in a circle.
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__context__, cause.__cause__]


def _is_damage(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) and _code(error) in _DAMAGED_SQLITE


def _is_refused_by_disk(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return _code(error) in _REFUSED_TO_SQLITE
    if isinstance(error, OSError):
        return error.errno in _REFUSED_BY_DISK
    return "duckdb" in type(error).__module__ and any(words in str(error) for words in _SAID_BY_DUCKDB)


def _code(error: sqlite3.Error) -> int:
    # The low byte is the kind; what is above says which call it was.
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
