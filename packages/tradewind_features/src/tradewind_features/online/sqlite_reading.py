"""Reading the embedded store: one connection of one thread, and one statement for all rows that a caller wants.

A single SELECT is a snapshot by itself. Each one brings the store's generation along, so that views and schemas are asked for again
only when somebody changed them, and no row is read by what was true before or after it.
"""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tradewind_features.online.backend import EntityKey, Standing, StoredRow, ViewSpec, unknown_view
from tradewind_features.online.packing import PackedSchema
from tradewind_features.online.rows import Fetched
from tradewind_features.online.sqlite import read_schemas, read_standing, read_views
from tradewind_features.online.sqlite_file import FileState, open_for_reading, rows_table, told

_VARIABLES = 900
"""Keys in one statement: below SQLite's default limit of 999 in old builds."""
_VIEWS = 400
"""Views in one statement: below SQLite's limit of 500 terms of a compound SELECT."""
_GENERATION = "SELECT -1, generation, NULL, NULL, NULL FROM state"

Keys = Mapping[str, Sequence[EntityKey | None]]
Row = tuple[int, Any, int, int, bytes]


class SqliteSession:
    """One thread's connection to the store at ``path``, and what it remembers of the views until somebody changes them."""

    def __init__(self, path: Path, inode: tuple[int, int]) -> None:
        self.path = path
        self.inode = inode
        self.process = os.getpid()
        opened = open_for_reading(path)
        self._connection, self._as_it_was = opened.connection, opened.as_it_was
        self._generation = -1
        self._specs: dict[str, ViewSpec] = {}
        self._schemas: dict[int, PackedSchema] = {}
        self._queries: dict[tuple[tuple[str, int], ...], str] = {}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def is_outdated(self) -> bool:
        """Whether it was opened as a file that never changes, and somebody has written or may be writing: what it read may be torn."""
        return self._as_it_was is not None and FileState.of(self.path) != self._as_it_was

    def specs(self) -> dict[str, ViewSpec]:
        """All views as they are now."""
        with told(self.path, reading=True):
            self._refresh()
            return dict(self._specs)

    def standing(self) -> dict[str, Standing]:
        """How many rows each view has and its newest event, by view."""
        with told(self.path, reading=True):
            self._connection.execute("BEGIN")
            try:
                return read_standing(self._connection)
            finally:
                self._connection.execute("COMMIT")

    def fetch(self, keys: Keys) -> Fetched:
        """The rows of several views (view → keys) in one snapshot.

        Raises:
            NotFoundError: the store has no such view.
            StateError: the store can't be read.
        """
        try:
            for view in keys:
                if view not in self._specs:
                    self._refresh()
                    self._refuse_unknown(keys)
            rows = self._rows(keys)
            while rows is None:  # somebody changed a view in between
                self._refresh()
                self._refuse_unknown(keys)
                rows = self._rows(keys)
        except sqlite3.Error:
            with told(self.path, ", ".join(keys), reading=True):
                raise
        return Fetched(str(self.path), self._specs, self._schemas, rows)

    def _refuse_unknown(self, keys: Keys) -> None:
        for view in keys:
            if view not in self._specs:
                raise unknown_view(str(self.path), view, self._specs)

    def _refresh(self) -> None:
        self._connection.execute("BEGIN")
        try:
            generation = self._connection.execute("SELECT generation FROM state").fetchone()[0]
            if generation != self._generation:
                self._specs, self._schemas = read_views(self._connection), read_schemas(self._connection)
                self._queries.clear()
                self._generation = generation
        finally:
            self._connection.execute("COMMIT")

    def _rows(self, keys: Keys) -> dict[str, list[StoredRow | None]] | None:
        """The rows, or ``None`` where the views are other ones than this session knows."""
        try:
            if all(len(wanted) == 1 for wanted in keys.values()):
                return self._one_each(keys)
            return self._many(keys)
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return None
            raise

    def _one_each(self, keys: Keys) -> dict[str, list[StoredRow | None]] | None:
        rows: dict[str, list[StoredRow | None]] = {view: [None] for view in keys}
        found = self._connection.execute(self._query([(view, 1) for view in keys]), [wanted[0] for wanted in keys.values()]).fetchall()
        if found[0][1] != self._generation:
            return None
        names = list(keys)
        for row in found[1:]:
            rows[names[row[0]]][0] = row[2:]
        return rows

    def _many(self, keys: Keys) -> dict[str, list[StoredRow | None]] | None:
        parts = _parts({view: list(dict.fromkeys(wanted)) for view, wanted in keys.items()})
        if len(parts) == 1:
            held = self._part(parts[0])
        else:
            self._connection.execute("BEGIN")
            try:
                held = self._all_parts(parts)
            finally:
                self._connection.execute("COMMIT")
        if held is None:
            return None
        return {view: [found.get(key) for key in wanted] for view, wanted in keys.items() for found in (held.get(view, {}),)}

    def _all_parts(self, parts: Sequence[Sequence[tuple[str, list[EntityKey | None]]]]) -> dict[str, dict[Any, StoredRow]] | None:
        held: dict[str, dict[Any, StoredRow]] = {}
        for part in parts:
            found = self._part(part)
            if found is None:
                return None
            for view, rows in found.items():
                held.setdefault(view, {}).update(rows)
        return held

    def _part(self, part: Sequence[tuple[str, list[EntityKey | None]]]) -> dict[str, dict[Any, StoredRow]] | None:
        sizes = [(view, 1 << (len(wanted) - 1).bit_length() if wanted else 1) for view, wanted in part]
        padded: list[EntityKey | None] = []
        for (_, wanted), (_, size) in zip(part, sizes, strict=True):
            padded += wanted
            padded += [None] * (size - len(wanted))
        found = self._connection.execute(self._query(sizes), padded).fetchall()
        if found[0][1] != self._generation:
            return None
        held: dict[str, dict[Any, StoredRow]] = {view: {} for view, _ in part}
        tables = [held[view] for view, _ in part]
        for row in found[1:]:
            tables[row[0]][row[1]] = row[2:]
        return held

    def _query(self, sizes: Sequence[tuple[str, int]]) -> str:
        """One statement for so many keys of each view; sizes are powers of two, so that there are few statements to prepare."""
        shape = tuple(sizes)
        query = self._queries.get(shape)
        if query is None:
            selects = [_GENERATION]
            for place, (view, size) in enumerate(sizes):
                match = "= ?" if size == 1 else f"IN ({','.join('?' * size)})"
                columns = f"{place}, entity_key, event_at, created_at, packed"
                selects.append(f"SELECT {columns} FROM {rows_table(view)} WHERE entity_key {match}")  # noqa: S608 - the table name is quoted
            query = self._queries[shape] = " UNION ALL ".join(selects)
        return query


def _parts(keys: Mapping[str, list[EntityKey | None]]) -> list[list[tuple[str, list[EntityKey | None]]]]:
    """Views and keys in parts that one statement can take."""
    parts: list[list[tuple[str, list[EntityKey | None]]]] = [[]]
    free = _VARIABLES
    for view, wanted in keys.items():
        for start in range(0, len(wanted), _VARIABLES // 2):
            some = wanted[start : start + _VARIABLES // 2]
            size = 1 << (len(some) - 1).bit_length()
            if size > free or len(parts[-1]) == _VIEWS:
                parts.append([])
                free = _VARIABLES
            parts[-1].append((view, some))
            free -= size
    return parts
