"""The online reader: what services import to read features. Needs numpy and SQLite (or a Redis client); neither Feast nor pandas.

reader = OnlineReader(settings.paths.online_store)
rows = reader.read("merchant_handling_30d", ["m1", "m2"], now)
rows.values["handling_hours_mean_30d"]  # float64 [2], NaN where absent or expired

wanted = [("merchant_handling_30d", "handling_hours_mean_30d"), ("lane_transit_90d", "transit_hours_mean_90d")]
vectors = reader.vectors(wanted, {"merchant_handling_30d": ["m1", "m2"], "lane_transit_90d": ["SP-RJ", "SP-BA"]}, now)
vectors.values  # float64 [2, 2], in the order of `wanted`
"""

import datetime as dt
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind_contracts.errors import StateError
from tradewind_features.online.backend import EntityKey, Standing, ViewSpec, is_redis
from tradewind_features.online.rows import Fetched, microseconds, view_rows
from tradewind_features.online.rows import Presence as Presence
from tradewind_features.online.rows import ViewRows as ViewRows
from tradewind_features.online.sqlite_reading import SqliteSession
from tradewind_features.online.unpacking import values_of
from tradewind_features.online.vectors import VectorPlan, Vectors, Wanted

if TYPE_CHECKING:
    from tradewind_features.online.redis_reading import RedisSession

_PLANS_KEPT = 256


@dataclass(frozen=True)
class EntityRow:
    """One entity's values in one view, exact and by name; times are microseconds since 1970, ``None`` where absent.

    ``values`` is empty unless present: float, int, bool, str, bytes, a zoned datetime or ``None`` for each feature.
    """

    presence: Presence
    event_us: int | None
    created_us: int | None
    values: Mapping[str, Any]


class OnlineReader:
    """Reads the online store at ``location``, a file or a ``redis://`` URL; safe to share between threads, one connection each.

    It sees each committed write at once, and a file that took the place of the one it had open.
    """

    def __init__(self, location: str | Path) -> None:
        self.location = location
        self._is_on_a_server = is_redis(location)
        self._local = threading.local()
        self._shared: RedisSession | None = None
        self._opening = threading.Lock()

    def views(self) -> dict[str, ViewSpec]:
        """What the store holds: key name, ttl and fields of each view.

        Raises:
            StateError: there is no store.
        """
        return self._session().specs()

    def read(self, view: str, keys: Sequence[EntityKey | None], now: dt.datetime) -> ViewRows:
        """Values of ``keys`` in ``view`` as of ``now`` (zoned). A ``None`` key is absent; a key may stand more than once.

        Raises:
            NotFoundError: the store has no such view.
            StateError: there is no store, or it can't be read.
            IntegrityError: a stored row is damaged; names its key.
        """
        return self.read_views({view: keys}, now)[view]

    def read_views(self, keys: Mapping[str, Sequence[EntityKey | None]], now: dt.datetime) -> dict[str, ViewRows]:
        """:meth:`read` for several views (view → keys) in one snapshot of the store: no write falls between them."""
        now_us = microseconds(now)
        fetched = self._fetch(keys)
        return {view: view_rows(fetched, view, wanted, now_us) for view, wanted in keys.items()}

    def vectors(self, wanted: Sequence[tuple[str, str]], keys: Mapping[str, Sequence[EntityKey | None]], now: dt.datetime) -> Vectors:
        """Vectors of the features ``wanted`` (view, feature), in that order, as of ``now`` (zoned), in one snapshot of the store.

        ``keys``: of each view, the keys of the same ``n`` vectors; a ``None`` key is absent.

        Raises:
            NotFoundError: the store has no such view or feature.
            SettingsError: a feature is text or bytes, which no matrix holds; or a view has no keys.
            ValueError: the views have different numbers of keys.
            StateError: there is no store, or it can't be read.
            IntegrityError: a stored row is damaged; names its key.
        """
        now_us = microseconds(now)
        if len({len(of_view) for of_view in keys.values()}) > 1:
            raise ValueError(
                f"each view has as many keys as there are vectors (found: { {view: len(of_view) for view, of_view in keys.items()} })"
            )
        fetched = self._fetch(keys)
        return self._plan(tuple(wanted), fetched).fill(fetched, keys, now_us)

    def read_exact(self, view: str, keys: Sequence[EntityKey | None], now: dt.datetime) -> list[EntityRow]:
        """Rows by entity with exact values, which a matrix can't hold: integers beyond 2**53, instants, bytes, null apart from NaN.

        Raises:
            As :meth:`read`.
        """
        fetched, now_us = self._fetch({view: keys}), microseconds(now)
        spec, rows = fetched.specs[view], fetched.rows[view]
        presence = [_presence(None if row is None else row[0], spec.ttl_us, now_us) for row in rows]
        groups = fetched.sound(view, keys, [place for place, found in enumerate(presence) if found is Presence.PRESENT])
        values: dict[int, dict[str, Any]] = {}
        for fingerprint, places in groups.items():
            for place in places:
                row = rows[place]
                held = {} if row is None else values_of(fetched.schemas[fingerprint], row[2])
                values[place] = {name: held.get(name) for name in spec.schema.names}
        return [
            EntityRow(found, None if row is None else row[0], None if row is None else row[1], values.get(place, {}))
            for place, (row, found) in enumerate(zip(rows, presence, strict=True))
        ]

    def standing(self) -> dict[str, Standing]:
        """How many rows each view has and its newest event, by view; looks at every row, which a service has no need to.

        Raises:
            StateError: there is no store.
        """
        return self._session().standing()

    def close(self) -> None:
        """Close this thread's connection, or all those to a server; the next read opens one again."""
        session = getattr(self._local, "session", None)
        if session is not None:
            session.close()
            self._local.session = None
        with self._opening:
            if self._shared is not None:
                self._shared.close()
                self._shared = None

    def _plan(self, wanted: Wanted, fetched: Fetched) -> VectorPlan:
        plans: dict[Wanted, VectorPlan] | None = getattr(self._local, "plans", None)
        if plans is None:
            plans = self._local.plans = {}
        plan = plans.get(wanted)
        if plan is None or plan.specs is not fetched.specs:
            if len(plans) >= _PLANS_KEPT:
                plans.clear()
            plan = plans[wanted] = VectorPlan(wanted, fetched.specs, fetched.location)
        return plan

    def _fetch(self, keys: Mapping[str, Sequence[EntityKey | None]]) -> Fetched:
        while True:
            session = self._session()
            try:
                fetched = session.fetch(keys)
            except StateError:
                if session.is_outdated():
                    continue
                raise
            if not session.is_outdated():
                return fetched

    def _session(self) -> "SqliteSession | RedisSession":
        return self._server_session() if self._is_on_a_server else self._file_session()

    def _file_session(self) -> SqliteSession:
        try:
            found = os.stat(self.location)  # noqa: PTH116 - half the time of Path.stat, and it runs at each read
        except OSError as error:
            self.close()
            raise StateError(
                f"{self.location}: no online store here ({error.strerror}); `feast apply` makes it and `feast materialize` fills it"
            ) from error
        session: SqliteSession | None = getattr(self._local, "session", None)
        if session is not None and session.process != os.getpid():
            self._local.session = session = None  # a fork leaves its parent's connection alone
        if session is None or session.inode != (found.st_dev, found.st_ino) or session.is_outdated():
            self.close()
            session = self._local.session = SqliteSession(Path(self.location), (found.st_dev, found.st_ino))
        return session

    def _server_session(self) -> "RedisSession":
        with self._opening:
            if self._shared is None:
                from tradewind_features.online.redis_reading import RedisSession

                self._shared = RedisSession(str(self.location))
            return self._shared


def _presence(event_us: int | None, ttl_us: int, now_us: int) -> Presence:
    if event_us is None:
        return Presence.ABSENT
    return Presence.EXPIRED if ttl_us and event_us < now_us - ttl_us else Presence.PRESENT
