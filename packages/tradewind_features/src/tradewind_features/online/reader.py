"""The online reader: what services import to read features. Needs numpy and SQLite; neither Feast nor pandas.

reader = OnlineReader(settings.paths.online_store)
rows = reader.read("merchant_handling_30d", ["m1", "m2"], now)
rows.values["handling_hours_mean_30d"]  # float64 [2], NaN where absent or expired
"""

import datetime as dt
import enum
import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_features.online import sqlite_file
from tradewind_features.online.backend import EntityKey, StoredRow, ViewSpec
from tradewind_features.online.packing import PackedSchema, fingerprint_of, unpack
from tradewind_features.online.sqlite import read_schemas, read_views

_KEYS_PER_QUERY = 500  # below SQLite's default limit of 999 variables in old builds
_NAT = np.iinfo(np.int64).min
_US_PER_HOUR = 3_600_000_000

Values = NDArray[np.float64] | NDArray[np.object_]


class Presence(enum.IntEnum):
    """Whether an entity has values in a view: never had any, has them, or has only values past their ttl."""

    ABSENT = 0
    PRESENT = 1
    EXPIRED = 2


_PRESENT, _EXPIRED = int(Presence.PRESENT), int(Presence.EXPIRED)


@dataclass(frozen=True)
class ViewRows:
    """The values of ``n`` entities in one view, in the order asked.

    ``values``: by feature, float64 [n] for numbers and booleans (NaN where null, absent or expired; integers are exact to 2**53),
    object [n] with ``None`` for text. ``presence``: int8 [n] of :class:`Presence`. ``event_at``, ``created_at``: datetime64[us] [n],
    UTC, NaT where absent; known also for expired rows. ``now``: the instant that ages and ttl refer to.
    """

    view: str
    values: Mapping[str, Values]
    presence: NDArray[np.int8]
    event_at: NDArray[np.datetime64]
    created_at: NDArray[np.datetime64]
    now: np.datetime64

    @cached_property
    def age_hours(self) -> NDArray[np.float64]:
        """Hours from the row's event to ``now``, float64 [n]; NaN unless present, as in training sets; negative if ``now`` is earlier."""
        age = (self.now - self.event_at).astype(np.int64) / _US_PER_HOUR
        return np.where(self.presence == _PRESENT, age, np.nan)


class OnlineReader:
    """Reads the packed online store at ``path``; safe to share between threads, one connection each.

    It sees each committed write at once, and a file that took the place of the one it had open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    def views(self) -> dict[str, ViewSpec]:
        """What the store holds: key name, ttl and fields of each view.

        Raises:
            StateError: there is no store.
        """
        return self._session().views()

    def read(self, view: str, keys: Sequence[EntityKey | None], now: dt.datetime) -> ViewRows:
        """Values of ``keys`` in ``view`` as of ``now`` (zoned). A ``None`` key is absent; a key may stand more than once.

        Raises:
            NotFoundError: the store has no such view.
            StateError: there is no store, or it can't be read.
            IntegrityError: a stored row is torn.
        """
        return self.read_views({view: keys}, now)[view]

    def read_views(self, keys: Mapping[str, Sequence[EntityKey | None]], now: dt.datetime) -> dict[str, ViewRows]:
        """:meth:`read` for several views (view → keys) in one snapshot of the store: no write falls between them."""
        return self._session().read(keys, _microseconds(now))

    def close(self) -> None:
        """Close this thread's connection; the next read opens one again."""
        session = getattr(self._local, "session", None)
        if session is not None:
            session.connection.close()
            self._local.session = None

    def _session(self) -> "_Session":
        try:
            found = os.stat(self.path)  # noqa: PTH116 - half the time of Path.stat, and it runs at each read
        except OSError as error:
            self.close()
            raise StateError(f"{self.path}: no online store here ({error.strerror}); `make run` fills it") from error
        session: _Session | None = getattr(self._local, "session", None)
        if session is None or session.inode != (found.st_dev, found.st_ino) or session.is_outdated():
            self.close()
            session = _Session(sqlite_file.open_for_reading(self.path), (found.st_dev, found.st_ino), self.path)
            self._local.session = session
        return session


class _Session:
    """One thread's connection and what it remembers of the views until somebody writes."""

    def __init__(self, connection: sqlite3.Connection, inode: tuple[int, int], path: Path) -> None:
        self.connection = connection
        self.inode = inode
        self._path = path
        self._stands_still = sqlite_file.stands_still(path)
        self._data_version = -1
        self._views: dict[str, ViewSpec] = {}
        self._schemas: dict[int, PackedSchema] = {}

    def is_outdated(self) -> bool:
        """Whether it was opened where nobody could write, and now somebody can: it would not see that."""
        return self._stands_still and not sqlite_file.stands_still(self._path)

    def views(self) -> dict[str, ViewSpec]:
        try:
            self._refresh()
        except sqlite3.Error as error:
            raise StateError(f"{self._path}: the online store can't be read ({error})") from error
        return dict(self._views)

    def read(self, keys: Mapping[str, Sequence[EntityKey | None]], now: int) -> dict[str, ViewRows]:
        try:
            self.connection.execute("BEGIN")
            try:
                self._refresh()
                return {view: self._read_view(self._spec(view), wanted, now) for view, wanted in keys.items()}
            finally:
                self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StateError(f"{self._path}: the online store can't be read ({error})") from error

    def _refresh(self) -> None:
        version = self.connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._data_version:
            self._views = read_views(self.connection)
            self._schemas = read_schemas(self.connection)
            self._data_version = version

    def _spec(self, view: str) -> ViewSpec:
        try:
            return self._views[view]
        except KeyError as error:
            held = ", ".join(sorted(self._views)) or "none"
            raise NotFoundError(f"{self._path}: no view {view!r} in the online store (there are: {held})") from error

    def _read_view(self, spec: ViewSpec, keys: Sequence[EntityKey | None], now: int) -> ViewRows:
        stored = self._fetch(spec.view, keys)
        rows = [stored.get(key) if key is not None else None for key in keys]
        event = np.array([_NAT if row is None else row[0] for row in rows], dtype=np.int64)
        created = np.array([_NAT if row is None else row[1] for row in rows], dtype=np.int64)
        presence = (event != _NAT).view(np.int8)  # ABSENT is 0, PRESENT is 1
        if spec.ttl_us:
            presence[(event != _NAT) & (event < now - spec.ttl_us)] = _EXPIRED
        return ViewRows(
            view=spec.view,
            values=self._values(spec, rows, presence),
            presence=presence,
            event_at=event.view("datetime64[us]"),
            created_at=created.view("datetime64[us]"),
            now=np.datetime64(now, "us"),
        )

    def _fetch(self, view: str, keys: Sequence[EntityKey | None]) -> dict[EntityKey | None, StoredRow]:
        table = sqlite_file.rows_table(view)
        if len(keys) == 1:
            row = self.connection.execute(f"SELECT event_at, created_at, packed FROM {table} WHERE entity_key = ?", (keys[0],)).fetchone()  # noqa: S608 - the table name is quoted
            return {} if row is None else {keys[0]: row}
        found: dict[EntityKey | None, StoredRow] = {}
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), _KEYS_PER_QUERY):
            part = wanted[start : start + _KEYS_PER_QUERY]
            marks = ",".join("?" * len(part))
            query = f"SELECT entity_key, event_at, created_at, packed FROM {table} WHERE entity_key IN ({marks})"  # noqa: S608 - the table name is quoted
            found.update((row[0], row[1:]) for row in self.connection.execute(query, part))
        return found

    def _values(self, spec: ViewSpec, rows: Sequence[StoredRow | None], presence: NDArray[np.int8]) -> dict[str, Values]:
        numbers = np.full((len(rows), len(spec.schema.fields)), np.nan)
        values: dict[str, Values] = {name: numbers[:, index] for index, name in enumerate(spec.schema.names)}
        values |= {name: np.full(len(rows), None, dtype=object) for name in spec.schema.texts}
        for fingerprint, places in self._by_schema(spec, rows, presence).items():
            schema = self._schemas[fingerprint]
            unpacked = unpack(schema, [row[2] for place in places if (row := rows[place]) is not None])
            if fingerprint == spec.schema.fingerprint:
                numbers[places] = unpacked.numbers
            else:
                for index, name in enumerate(schema.names):
                    if name in values and name not in spec.schema.texts:
                        values[name][places] = unpacked.numbers[:, index]
            for name in schema.texts:
                if name in spec.schema.texts:
                    values[name][places] = unpacked.texts[name]
        return values

    def _by_schema(self, spec: ViewSpec, rows: Sequence[StoredRow | None], presence: NDArray[np.int8]) -> dict[int, list[int]]:
        groups: dict[int, list[int]] = {}
        present = (presence == _PRESENT).tolist()
        for place, row in enumerate(rows):
            if row is not None and present[place]:
                groups.setdefault(fingerprint_of(row[2]), []).append(place)
        unknown = set(groups) - set(self._schemas)
        if unknown:
            raise IntegrityError(f"{self._path}: rows of view {spec.view!r} are packed by a schema that the store does not know")
        return groups


def _microseconds(instant: dt.datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError(f"an instant carries a zone (found: {instant.isoformat()})")
    return (instant - _EPOCH) // dt.timedelta(microseconds=1)


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
