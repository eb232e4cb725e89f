"""The SQLite file of the packed online store: its tables, how it is opened, and the one way in which rows get in.

One file holds one world. ``views`` says what is kept, ``schemas`` how rows were packed, ``materialized`` what each view's rows
last came from, and each view has a table of rows.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tradewind_contracts.errors import NotFoundError, StateError
from tradewind_features.online.packing import PackedSchema

APPLICATION_ID = 0x54574F53  # "TWOS", so that another SQLite file is not mistaken for a store
LAYOUT = 1
BUSY_TIMEOUT_MS = 10_000

EntityKey = str | int
PackedRow = tuple[EntityKey, int, int, bytes]
"""Key, event and created time in microseconds since 1970 (UTC), packed row."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS schemas (fingerprint INTEGER PRIMARY KEY, fields TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS views (view TEXT PRIMARY KEY, key_name TEXT NOT NULL, ttl_us INTEGER NOT NULL,"
    " fingerprint INTEGER NOT NULL REFERENCES schemas)",
    "CREATE TABLE IF NOT EXISTS materialized (view TEXT PRIMARY KEY, record TEXT NOT NULL)",
)


@dataclass(frozen=True)
class ViewSpec:
    """What the store knows of a view: its key's name, its ttl in microseconds (0: never expires) and how rows are packed now."""

    view: str
    key_name: str
    ttl_us: int
    schema: PackedSchema


def rows_table(view: str) -> str:
    """The quoted name of the table that holds a view's rows."""
    return '"rows_' + view.replace('"', '""') + '"'


def open_for_writing(path: Path) -> sqlite3.Connection:
    """A connection that may write; makes the file where there is none. Readers in other processes go on reading (WAL).

    Raises:
        StateError: the folder can't be written, or the file is not a packed online store.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise StateError(f"{path}: the online store can't be opened for writing ({error})") from error
    try:
        _ours_or_empty(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a crash of the process loses nothing committed
        with transaction(connection):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
            for statement in _TABLES:
                connection.execute(statement)
    except sqlite3.Error as error:
        connection.close()
        raise StateError(f"{path}: the online store can't be prepared ({error})") from error
    except StateError:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A read-only connection, usable from any thread that holds it alone.

    Raises:
        StateError: there is no store, or the file is not one.
    """
    if not path.exists():
        raise StateError(f"{path}: no online store here yet; `make run` fills it")
    try:
        uri = f"file:{quote(str(path))}?mode=ro{'&immutable=1' if stands_still(path) else ''}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False)
        _ours_or_empty(connection, path)
    except sqlite3.Error as error:
        raise StateError(f"{path}: the online store can't be read ({error})") from error
    return connection


def stands_still(path: Path) -> bool:
    """Whether nobody can write the store: it lies on a read-only file system, and its last writer left nothing to be merged.

    A reader of a store in WAL keeps an index beside it, which it can't there; SQLite reads without one what never changes.
    """
    is_read_only = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    return is_read_only and not path.with_name(path.name + "-wal").exists()


def is_whole(path: Path) -> bool:
    """Whether there is a SQLite file at ``path`` and all its pages can be read; whose it is, is asked when it is opened."""
    if not path.exists():
        return False
    try:
        uri = f"file:{quote(str(path))}?mode=ro{'&immutable=1' if stands_still(path) else ''}"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return False
        raise StateError(f"{path}: the online store can't be read ({error})") from error
    return found == "ok"


def set_damaged_aside(path: Path) -> None:
    """Move a damaged file at ``path`` to ``<name>.damaged``: its rows can all be made again from what is published."""
    if path.exists() and not is_whole(path):
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        path.replace(path.with_name(path.name + ".damaged"))


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything in the block is committed together, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def declare_view(connection: sqlite3.Connection, spec: ViewSpec) -> None:
    """Make room for a view, or take over its changed ttl and schema; its rows stay and are read by the schema they were packed with."""
    connection.execute("INSERT OR IGNORE INTO schemas VALUES (?, ?)", (spec.schema.fingerprint, spec.schema.to_json()))
    connection.execute(
        "INSERT INTO views VALUES (?, ?, ?, ?) ON CONFLICT (view) DO UPDATE SET key_name = excluded.key_name,"
        " ttl_us = excluded.ttl_us, fingerprint = excluded.fingerprint",
        (spec.view, spec.key_name, spec.ttl_us, spec.schema.fingerprint),
    )
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {rows_table(spec.view)}"
        " (entity_key PRIMARY KEY NOT NULL, event_at INTEGER NOT NULL, created_at INTEGER NOT NULL, packed BLOB NOT NULL) WITHOUT ROWID"
    )


def drop_view(connection: sqlite3.Connection, view: str) -> None:
    """Forget a view and its rows."""
    connection.execute("DELETE FROM views WHERE view = ?", (view,))
    connection.execute("DELETE FROM materialized WHERE view = ?", (view,))
    connection.execute(f"DROP TABLE IF EXISTS {rows_table(view)}")


def read_views(connection: sqlite3.Connection) -> dict[str, ViewSpec]:
    """All views that the store holds, by name."""
    found = connection.execute("SELECT view, key_name, ttl_us, fields FROM views JOIN schemas USING (fingerprint)")
    return {view: ViewSpec(view, key_name, ttl_us, PackedSchema.from_json(fields)) for view, key_name, ttl_us, fields in found}


def note_materialized(connection: sqlite3.Connection, view: str, record: str) -> None:
    """Keep, in the transaction that writes the rows, what they came from (JSON)."""
    connection.execute("INSERT OR REPLACE INTO materialized VALUES (?, ?)", (view, record))


def read_materialized(connection: sqlite3.Connection) -> dict[str, str]:
    """What each view's rows last came from, by view."""
    return dict(connection.execute("SELECT view, record FROM materialized"))


def read_schemas(connection: sqlite3.Connection) -> dict[int, PackedSchema]:
    """All schemas that rows were ever packed with, by fingerprint."""
    return {key: PackedSchema.from_json(fields) for key, fields in connection.execute("SELECT fingerprint, fields FROM schemas")}


def write_rows(connection: sqlite3.Connection, view: str, rows: Iterable[PackedRow]) -> int:
    """Put rows in; returns how many took effect. A row older than what is there, by event then by created time, changes nothing.

    Of two rows with the same event and created time the one written last stays: publishing a repaired view again repairs the store.

    Raises:
        NotFoundError: the view was never declared.
    """
    table = rows_table(view)
    before = connection.total_changes
    try:
        connection.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?) ON CONFLICT (entity_key) DO UPDATE SET event_at = excluded.event_at,"  # noqa: S608 - the table name is quoted
            " created_at = excluded.created_at, packed = excluded.packed"
            f" WHERE (excluded.event_at, excluded.created_at) >= ({table}.event_at, {table}.created_at)",
            rows,
        )
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise NotFoundError(f"online store: no view {view!r} is declared; run `feast apply` (`make run` does)") from error
        raise
    return connection.total_changes - before


def forget_after(connection: sqlite3.Connection, view: str, instant_us: int) -> int:
    """Delete a view's rows that nobody could have at ``instant_us``; for a frozen clock that was set back. Returns how many."""
    cursor = connection.execute(f"DELETE FROM {rows_table(view)} WHERE event_at > ? OR created_at > ?", (instant_us, instant_us))  # noqa: S608 - the table name is quoted
    return cursor.rowcount


def _ours_or_empty(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if empty and application == 0:
        return
    if application != APPLICATION_ID or layout != LAYOUT:
        raise StateError(f"{path}: not a packed online store of layout {LAYOUT} (application {application:#x}, layout {layout})")
