"""The file of the embedded online store: its tables, how it is opened for writing and for reading, and whether it is whole.

One file holds one world. ``views`` says what is kept, ``schemas`` how rows were packed, ``materialized`` what each view's rows last
came from, ``erasures`` whom nobody may bring back, ``state`` what is one of a kind; each view has a table of rows.
"""

import contextlib
import logging
import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tradewind_contracts.errors import StateError, TradewindError

_LOG = logging.getLogger(__name__)
APPLICATION_ID = 0x54574F53  # "TWOS", so that another SQLite file is not mistaken for a store
LAYOUT = 2
BUSY_TIMEOUT_MS = 10_000

_TABLES = (
    "CREATE TABLE schemas (fingerprint INTEGER PRIMARY KEY, fields TEXT NOT NULL)",
    "CREATE TABLE views (view TEXT PRIMARY KEY, key_name TEXT NOT NULL, ttl_us INTEGER NOT NULL,"
    " fingerprint INTEGER NOT NULL REFERENCES schemas, spec_digest TEXT NOT NULL)",
    "CREATE TABLE materialized (view TEXT PRIMARY KEY, record TEXT NOT NULL)",
    "CREATE TABLE erasures (key_name TEXT NOT NULL, digest TEXT NOT NULL, at_us INTEGER NOT NULL, PRIMARY KEY (key_name, digest)) WITHOUT ROWID",
    # `generation` goes up whenever views or schemas change, so that readers ask for them again; one row.
    "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL, erasure_salt BLOB NOT NULL)",
)


def rows_table(view: str) -> str:
    """The quoted name of the table that holds a view's rows."""
    return '"rows_' + view.replace('"', '""') + '"'


def open_for_writing(path: Path, busy_timeout_ms: int = BUSY_TIMEOUT_MS, view: str | None = None) -> sqlite3.Connection:
    """A connection that may write; makes the file where there is none. Readers in other processes go on reading (WAL).

    ``busy_timeout_ms``: how long it waits for another writer. ``view``: what the errors of opening name besides the file.

    Raises:
        StateError: the folder can't be written, or the file is not a packed online store.
    """
    with told(path, view):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"{path}: the online store's folder can't be made ({error})") from error
        connection = sqlite3.connect(path, timeout=busy_timeout_ms / 1000, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA secure_delete = ON")  # deleted and overwritten bytes are zeroed: an erased person's too
    connection.execute("PRAGMA synchronous = NORMAL")  # a crash of the process loses nothing committed
    # A short log is quick to look through at each read. Chosen: 0.8 MB.
    connection.execute("PRAGMA wal_autocheckpoint = 200")
    if _is_ours(connection, path):
        return
    connection.execute("PRAGMA journal_mode = WAL")
    with transaction(connection):
        if not _is_ours(connection, path):  # another writer may have made the tables since
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO state VALUES (1, 0, ?)", (secrets.token_bytes(32),))


@dataclass(frozen=True)
class OpenForReading:
    """A read-only connection, usable from any thread that holds it alone.

    ``as_it_was``: where the index beside the store's log can't be made (a folder that this user may not write, a read-only file system, a
    full disk) and there is no log, the file was opened as one that never changes: it has to be opened again as soon as it does.
    """

    connection: sqlite3.Connection
    as_it_was: "FileState | None"


@dataclass(frozen=True)
class FileState:
    """By what one knows that nobody has written to a store's file."""

    changed_ns: int
    size: int

    @classmethod
    def of(cls, path: Path) -> "FileState | None":
        """The state of the file at ``path``; ``None`` where it is gone, or where the log beside it holds something."""
        try:
            found = os.stat(path)  # noqa: PTH116 - half the time of Path.stat, and it runs at each read
        except OSError:
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.stat(f"{path}-wal").st_size:  # noqa: PTH116 - as above
                return None
        return cls(found.st_mtime_ns, found.st_size)


def open_for_reading(path: Path) -> OpenForReading:
    """A connection for reading beside writers in other processes.

    Raises:
        StateError: there is no store, the file is not one, or it can't be read.
    """
    if not path.exists():
        raise StateError(f"{path}: no online store here yet; `feast apply` makes it and `feast materialize` fills it")
    with told(path, reading=True):
        opened = _connected(path)
        try:
            if not _is_ours(opened.connection, path):
                raise StateError(
                    f"{path}: an empty file, not an online store; `feast apply` makes one of it and `feast materialize` fills it"
                )
        except BaseException:
            opened.connection.close()
            raise
    return opened


_NO_INDEX = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR})
"""What SQLite says where it can't make the index of a store's log, which every reader of a store with a log needs."""


def _connected(path: Path) -> OpenForReading:
    uri = f"file:{quote(str(path))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        state = FileState.of(path)
        if _code(error) not in _NO_INDEX or state is None:
            raise
        return OpenForReading(sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None, check_same_thread=False), state)
    except BaseException:
        connection.close()
        raise
    return OpenForReading(connection, None)


def is_whole(path: Path) -> bool:
    """Whether there is a SQLite file at ``path``, all its pages can be read, and a store in it has the present layout."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(_connected(path).connection) as connection:
            found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            application, layout = _marks(connection)
    except sqlite3.DatabaseError as error:
        if _code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return False
        with told(path, reading=True):
            raise
    return found == "ok" and not (application == APPLICATION_ID and layout < LAYOUT)


def set_damaged_aside(path: Path) -> None:
    """Move a file that is damaged, or of an older layout, to ``<name>.damaged``: its rows can all be made again from what is published.

    Whom it was asked to forget, it passes on to a fresh file; where the damage is such that this can't be read, a warning says so.
    """
    if not path.exists() or is_whole(path):
        return
    erasures = _erasures_in(path)
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    aside = path.with_name(path.name + ".damaged")
    path.replace(aside)
    if erasures is None:
        _LOG.warning(
            "%s: whom the damaged store was asked to forget can't be read; what is materialized again may hold them: erase again", aside
        )
    elif erasures.listed:
        with contextlib.closing(open_for_writing(path)) as connection, transaction(connection):
            connection.execute("UPDATE state SET erasure_salt = ?", (erasures.salt,))
            connection.executemany("INSERT INTO erasures VALUES (?, ?, ?)", erasures.listed)


class _Erasures(NamedTuple):
    salt: bytes
    listed: list[tuple[str, str, int]]


def _erasures_in(path: Path) -> _Erasures | None:
    """The erasures of a damaged file; ``None`` where they can't be read. A store of an older layout has none."""
    try:
        with contextlib.closing(_connected(path).connection) as connection:
            if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'erasures'").fetchone()[0]:
                return _Erasures(b"", [])
            salt = connection.execute("SELECT erasure_salt FROM state").fetchone()[0]
            return _Erasures(salt, connection.execute("SELECT key_name, digest, at_us FROM erasures").fetchall())
    except sqlite3.Error:
        return None


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything in the block is committed together, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk ends the transaction by itself
            connection.execute("ROLLBACK")
        raise


_DAMAGED = {
    sqlite3.SQLITE_CORRUPT: "it is damaged; move it away, then `feast apply` and `feast materialize` fill a fresh one",
    sqlite3.SQLITE_NOTADB: "it is no SQLite file; move it away, then `feast apply` and `feast materialize` fill a fresh one",
}
_WRITING = _DAMAGED | {
    sqlite3.SQLITE_BUSY: "another process holds it for longer than the busy timeout; nothing was written, try again",
    sqlite3.SQLITE_LOCKED: "another process holds it for longer than the busy timeout; nothing was written, try again",
    sqlite3.SQLITE_READONLY: "it can't be written: its file, folder or file system is read-only; give this user leave to write",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened: its folder is absent, read-only or not ours",
    sqlite3.SQLITE_FULL: "there is no space left; nothing of this batch was kept and what was there is still served; free some and write again",
    sqlite3.SQLITE_IOERR: "its disk fails or is full; nothing of this batch was kept and what was there is still served",
    sqlite3.SQLITE_CONSTRAINT: "a row lacks its key, a time or its values; nothing of this batch was kept",
}
_READING = _DAMAGED | {
    sqlite3.SQLITE_BUSY: "another process holds it for longer than the busy timeout; try again",
    sqlite3.SQLITE_READONLY: "it can't be read beside a writer: this user may write neither its folder nor the index (-shm) beside it",
    sqlite3.SQLITE_CANTOPEN: "it can't be read: this user may open neither its file nor the log and index (-wal, -shm) beside it",
    sqlite3.SQLITE_IOERR: "it can't be read: its disk fails, or is full and has no room for the index (-shm) beside its log",
}


@contextlib.contextmanager
def told(path: Path, view: str | None = None, reading: bool = False) -> Iterator[None]:
    """SQLite's errors in the block become ``StateError`` that names the file, the view and what to do; refusals pass."""
    try:
        yield
    except TradewindError:
        raise
    except sqlite3.Error as error:
        place = f"{path}, view {view!r}" if view is not None else str(path)
        advice = (_READING if reading else _WRITING).get(_code(error), "it can't be used")
        raise StateError(f"online store {place}: {advice} (SQLite: {error})") from error


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary error code; 0 for errors of Python's own."""
    code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code


def _marks(connection: sqlite3.Connection) -> tuple[int, int]:
    return connection.execute("PRAGMA application_id").fetchone()[0], connection.execute("PRAGMA user_version").fetchone()[0]


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is a store; ``False`` for an empty one. Raises ``StateError`` for anything else."""
    application, layout = _marks(connection)
    if (application, layout) == (APPLICATION_ID, LAYOUT):
        return True
    if application == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return False
    raise StateError(
        f"{path}: not a packed online store of layout {LAYOUT} (application {application:#x}, layout {layout});"
        " move it away, then `feast apply` and `feast materialize` fill a fresh one"
    )
