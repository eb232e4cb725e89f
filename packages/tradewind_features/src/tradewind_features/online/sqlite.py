"""The embedded online store: one SQLite file, one row per view and entity; one process writes at a time, any number read beside it."""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tradewind_contracts.errors import StateError
from tradewind_features.online.backend import EntityKey, Erasure, PackedRow, Standing, StoredRow, ViewSpec, unknown_view
from tradewind_features.online.erasures import ErasureList, spellings, views_of
from tradewind_features.online.packing import PackedSchema
from tradewind_features.online.sqlite_file import BUSY_TIMEOUT_MS, open_for_writing, rows_table, told, transaction

_LOG = logging.getLogger(__name__)
_LOG_WAIT_MS = 1000
"""How long an erasure waits for readers to let go of the log; chosen: far longer than a read takes."""
_KEYS_PER_QUERY = 500  # below SQLite's default limit of 999 variables in old builds
_ROWS = " (entity_key PRIMARY KEY NOT NULL, event_at INTEGER NOT NULL, created_at INTEGER NOT NULL, packed BLOB NOT NULL) WITHOUT ROWID"


class SqliteBackend:
    """The store in the file at ``path``, made where there is none; see :class:`tradewind_features.online.backend.Backend`.

    ``busy_timeout_ms``: how long a write waits for another writer. ``view``: what the errors of opening name. Threads may share it: one transaction at a time.

    Raises:
        StateError: the file can't be opened for writing, or is another program's.
    """

    def __init__(self, path: Path, busy_timeout_ms: int = BUSY_TIMEOUT_MS, view: str | None = None) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection = open_for_writing(path, busy_timeout_ms, view)
        self._busy_timeout_ms = busy_timeout_ms
        self._traces_left, self._is_rewritten = False, True

    @property
    def location(self) -> str:
        """The file's path."""
        return str(self.path)

    def views(self) -> dict[str, ViewSpec]:
        """All views that the store holds, by name."""
        with self._lock, told(self.path):
            return read_views(self._connection)

    def schemas(self) -> dict[int, PackedSchema]:
        """All schemas that rows were ever packed with, by fingerprint."""
        with self._lock, told(self.path):
            return read_schemas(self._connection)

    def declare(self, spec: ViewSpec) -> None:
        """Make room for a view, or take over its changed ttl, schema and digest; another join key empties it."""
        with self._writing(spec.view):
            held = read_views(self._connection, spec.view).get(spec.view)
            if held == spec:
                return
            if held is not None and held.key_name != spec.key_name:
                self._connection.execute(f"DROP TABLE IF EXISTS {rows_table(spec.view)}")
                self._connection.execute("DELETE FROM materialized WHERE view = ?", (spec.view,))
            self._connection.execute("INSERT OR IGNORE INTO schemas VALUES (?, ?)", (spec.schema.fingerprint, spec.schema.to_json()))
            self._connection.execute(
                "INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?, ?)",
                (spec.view, spec.key_name, spec.ttl_us, spec.schema.fingerprint, spec.spec_digest),
            )
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {rows_table(spec.view)}{_ROWS}")
            self._note_change()

    def drop(self, view: str) -> None:
        """Forget a view, its rows and what they came from; nothing happens where there is no such view."""
        with self._writing(view):
            self._connection.execute("DELETE FROM views WHERE view = ?", (view,))
            self._connection.execute("DELETE FROM materialized WHERE view = ?", (view,))
            self._connection.execute(f"DROP TABLE IF EXISTS {rows_table(view)}")
            self._note_change()

    def rename(self, view: str, name: str) -> None:
        """Keep a view's rows, spec and record under another name.

        Raises:
            NotFoundError: no such view.
            StateError: the other name is taken.
        """
        with self._writing(view):
            self._spec(view)
            if name in self.views():
                raise StateError(f"online store {self.path}: view {view!r} can't be kept as {name!r}: there is a view of that name")
            self._connection.execute("UPDATE views SET view = ? WHERE view = ?", (name, view))
            self._connection.execute("UPDATE materialized SET view = ? WHERE view = ?", (name, view))
            self._connection.execute(f"ALTER TABLE {rows_table(view)} RENAME TO {rows_table(name)}")
            self._note_change()

    def write(self, view: str, rows: Iterable[PackedRow]) -> int:
        """Put rows in; returns how many took effect. An older row than what is there, by event then by created time, changes nothing.

        Raises:
            NotFoundError: the view was never declared.
        """
        table = rows_table(view)
        with self._writing(view):
            kept = self._erasures().kept(self._spec(view).key_name, rows)
            before = self._connection.total_changes
            self._connection.executemany(
                f"INSERT INTO {table} VALUES (?, ?, ?, ?) ON CONFLICT (entity_key) DO UPDATE SET event_at = excluded.event_at,"  # noqa: S608 - the table name is quoted
                " created_at = excluded.created_at, packed = excluded.packed"
                f" WHERE (excluded.event_at, excluded.created_at) >= ({table}.event_at, {table}.created_at)",
                kept,
            )
            return self._connection.total_changes - before

    def read(self, keys: Mapping[str, Sequence[EntityKey | None]]) -> dict[str, list[StoredRow | None]]:
        """The rows of several views (view → keys) in one snapshot, in the order asked; ``None`` where there is none.

        Raises:
            NotFoundError: the store has no such view.
        """
        with self._lock, told(self.path), self._snapshot():
            return {view: self._read_view(self._spec(view).view, wanted) for view, wanted in keys.items()}

    def forget_after(self, view: str, instant_us: int) -> int:
        """Delete a view's rows that nobody could have at ``instant_us``. Returns how many.

        Raises:
            NotFoundError: the store has no such view.
        """
        with self._writing(view):
            self._spec(view)
            query = f"DELETE FROM {rows_table(view)} WHERE event_at > ? OR created_at > ?"  # noqa: S608 - the table name is quoted
            return self._connection.execute(query, (instant_us, instant_us)).rowcount

    def erase(self, key_name: str, key: EntityKey, at_us: int) -> dict[str, int]:
        """Delete an entity from every view with its key and keep out what was created by ``at_us``; how many rows went, by view.

        The file is written anew at the end of the transaction, so that no copy of its bytes stays: erase many in one transaction.

        Raises:
            NotFoundError: no view has such a join key.
        """
        with self._writing():
            erasures = self._erasures()
            self._connection.execute(
                "INSERT INTO erasures VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at_us = max(at_us, excluded.at_us)",
                (key_name, erasures.digest(key_name, key), at_us),
            )
            self._traces_left, self._is_rewritten = True, False
            return {
                spec.view: self._delete_keys(spec, self._keys_of(erasures, key_name, key, spec))
                for spec in views_of(key_name, self.views().values(), self.location)
            }

    def erased(self) -> list[Erasure]:
        """All erasures, by key name and digest."""
        with self._lock, told(self.path):
            return self._erasures().entries()

    def standing(self) -> dict[str, Standing]:
        """How many rows each view has and its newest event; looks at every row."""
        with self._lock, told(self.path), self._snapshot():
            return read_standing(self._connection)

    def note_materialized(self, view: str, record: str) -> None:
        """Keep, in the transaction that writes the rows, what they came from (JSON)."""
        with self._writing(view):
            self._connection.execute("INSERT OR REPLACE INTO materialized VALUES (?, ?)", (view, record))

    def read_materialized(self) -> dict[str, str]:
        """What each view's rows last came from, by view."""
        with self._lock, told(self.path):
            return dict(self._connection.execute("SELECT view, record FROM materialized"))

    @contextlib.contextmanager
    def transaction(self, view: str | None = None) -> Iterator[None]:
        """Everything in the block is committed together, or nothing of it; other writers wait. Errors name ``view``."""
        with self._writing(view):
            yield

    def close(self) -> None:
        """Close the file; the last connection to it merges the log beside it."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @contextlib.contextmanager
    def _writing(self, view: str | None = None) -> Iterator[None]:
        """A transaction, or a part of the one that is open."""
        with self._lock, told(self.path, view):
            if self._connection.in_transaction:
                yield
                return
            with transaction(self._connection):
                yield
            if self._traces_left:
                self._leave_no_traces()

    def _leave_no_traces(self) -> None:
        """Write the file anew and empty the log beside it.

        Deleted bytes are zeroed, but rows that once moved between pages may have left copies behind; and the log holds what was deleted
        until it is emptied. The next write tries to empty it again if a reader holds it.
        """
        if not self._is_rewritten:
            self._connection.execute("VACUUM")
            self._is_rewritten = True
        self._connection.execute(f"PRAGMA busy_timeout = {min(_LOG_WAIT_MS, self._busy_timeout_ms)}")
        try:
            is_busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {self._busy_timeout_ms}")
        self._traces_left = bool(is_busy)
        if is_busy:
            _LOG.warning("%s: a reader in the middle of a read holds the log, which keeps erased bytes until the next write", self.path)

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[None]:
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    def _spec(self, view: str) -> ViewSpec:
        held = read_views(self._connection, view)
        if view not in held:
            raise unknown_view(self.location, view, read_views(self._connection))
        return held[view]

    def _note_change(self) -> None:
        self._connection.execute("UPDATE state SET generation = generation + 1")

    def _erasures(self) -> ErasureList:
        until: dict[str, dict[str, int]] = {}
        for key_name, digest, at_us in self._connection.execute("SELECT key_name, digest, at_us FROM erasures"):
            until.setdefault(key_name, {})[digest] = at_us
        return ErasureList(self._connection.execute("SELECT erasure_salt FROM state").fetchone()[0], until)

    def _keys_of(self, erasures: ErasureList, key_name: str, key: EntityKey, spec: ViewSpec) -> Sequence[EntityKey]:
        if "," not in spec.key_name:
            return spellings(key)
        held = self._connection.execute(f"SELECT entity_key FROM {rows_table(spec.view)}")  # noqa: S608 - the table name is quoted
        return erasures.keys_of(key_name, key, spec.key_name, (row[0] for row in held))

    def _delete_keys(self, spec: ViewSpec, keys: Sequence[EntityKey]) -> int:
        query = f"DELETE FROM {rows_table(spec.view)} WHERE entity_key = ?"  # noqa: S608 - the table name is quoted
        return sum(self._connection.execute(query, (key,)).rowcount for key in keys)

    def _read_view(self, view: str, keys: Sequence[EntityKey | None]) -> list[StoredRow | None]:
        found: dict[EntityKey | None, StoredRow] = {}
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), _KEYS_PER_QUERY):
            part = wanted[start : start + _KEYS_PER_QUERY]
            marks = ",".join("?" * len(part))
            query = f"SELECT entity_key, event_at, created_at, packed FROM {rows_table(view)} WHERE entity_key IN ({marks})"  # noqa: S608 - the table name is quoted
            found.update((row[0], row[1:]) for row in self._connection.execute(query, part))
        return [found.get(key) for key in keys]


def read_views(connection: sqlite3.Connection, only: str | None = None) -> dict[str, ViewSpec]:
    """The views that the store holds, by name; ``only``: that one, if there is."""
    query = "SELECT view, key_name, ttl_us, fields, spec_digest FROM views JOIN schemas USING (fingerprint)"
    found = connection.execute(query) if only is None else connection.execute(f"{query} WHERE view = ?", (only,))
    return {
        view: ViewSpec(view, key_name, ttl_us, PackedSchema.from_json(fields), digest) for view, key_name, ttl_us, fields, digest in found
    }


def read_schemas(connection: sqlite3.Connection) -> dict[int, PackedSchema]:
    """All schemas that rows were ever packed with, by fingerprint."""
    return {key: PackedSchema.from_json(fields) for key, fields in connection.execute("SELECT fingerprint, fields FROM schemas")}


def read_standing(connection: sqlite3.Connection) -> dict[str, Standing]:
    """How many rows each view has and its newest event, by view."""
    query = "SELECT count(*), max(event_at) FROM {table}"
    return {view: Standing(*connection.execute(query.format(table=rows_table(view))).fetchone()) for view in read_views(connection)}
