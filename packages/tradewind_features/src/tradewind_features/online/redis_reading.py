"""Reading the store on Redis: one transaction of reads for all rows that a caller wants, and the generation along with them."""

from collections.abc import Mapping, Sequence

from tradewind_features.online.backend import EntityKey, Standing, ViewSpec, unknown_view
from tradewind_features.online.packing import PackedSchema
from tradewind_features.online.redis_connecting import RedisStore
from tradewind_features.online.redis_store import read_known, read_rows, read_standing
from tradewind_features.online.rows import Fetched

Known = tuple[bytes, dict[str, ViewSpec], dict[int, PackedSchema]]


class RedisSession:
    """A pool of connections to the store at ``url``, and what it remembers of the views until somebody changes them; threads share it."""

    def __init__(self, url: str) -> None:
        self._store = RedisStore(url)
        self._known: Known | None = None

    @property
    def location(self) -> str:
        """Host, port, database and prefix."""
        return self._store.location

    def is_outdated(self) -> bool:
        """Never: a server says what is there."""
        return False

    def close(self) -> None:
        """Close the connections."""
        self._store.close()

    def specs(self) -> dict[str, ViewSpec]:
        """All views as they are now."""
        with self._store.told():
            return dict(self._refreshed()[1])

    def standing(self) -> dict[str, Standing]:
        """How many rows each view has and its newest event, by view."""
        with self._store.told():
            return read_standing(self._store)

    def fetch(self, keys: Mapping[str, Sequence[EntityKey | None]]) -> Fetched:
        """The rows of several views (view → keys) in one snapshot.

        Raises:
            NotFoundError: the store has no such view.
            StateError: the server can't be reached, or there is no store.
        """
        with self._store.told(", ".join(keys)):
            known = self._known or self._refreshed()
            generation, rows = read_rows(self._store, keys)
            while generation != known[0]:  # somebody changed a view since it was last asked
                known = self._refreshed()
                generation, rows = read_rows(self._store, keys)
        for view in keys:
            if view not in known[1]:
                raise unknown_view(self.location, view, known[1])
        return Fetched(self.location, known[1], known[2], rows)

    def _refreshed(self) -> Known:
        found = read_known(self._store)
        if self._known is None or self._known[0] != found[0]:
            self._known = found
        return self._known
