"""What an online store is: the same rows, kept embedded in a SQLite file or on a Redis server, behind one protocol.

with open_backend(location) as store, store.transaction():
    store.declare(ViewSpec("merchant_pace_365d", "merchant_id", ttl_us, schema))
    written = store.write("merchant_pace_365d", rows)
    store.note_materialized("merchant_pace_365d", record)

Promises of both: a row older than what is there, by event and then by created time, never takes its place, in whatever order
writes arrive; a row is there whole or not at all; an erased entity does not come back by rows created before its erasure.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tradewind_contracts.errors import NotFoundError
from tradewind_features.online.entity_keys import EntityKey as EntityKey
from tradewind_features.online.packing import PackedSchema

PackedRow = tuple[EntityKey, int, int, bytes]
"""Key, event and created time in microseconds since 1970 (UTC), packed row."""
StoredRow = tuple[int, int, bytes]
"""Event and created time in microseconds since 1970 (UTC), packed row."""


@dataclass(frozen=True)
class ViewSpec:
    """What a store knows of a view.

    ``key_name``: the join key, several joined with commas in alphabetical order. ``ttl_us``: microseconds that a row lives after its
    event, 0 for ever. ``schema``: how rows are packed now. ``spec_digest``: the view's definition
    (:func:`tradewind_features.specs.spec_digest`), empty where nobody said.
    """

    view: str
    key_name: str
    ttl_us: int
    schema: PackedSchema
    spec_digest: str = ""


@dataclass(frozen=True)
class Erasure:
    """One entity that was erased: its join key's name, the keyed digest of its key, and until which created time rows are refused."""

    key_name: str
    digest: str
    at_us: int


@dataclass(frozen=True)
class Standing:
    """How much there is of a view: its rows, and the newest event of any (µs since 1970; ``None`` without rows)."""

    rows: int
    newest_event_us: int | None


class Backend(Protocol):
    """One world's online store, open for writing. One thread at a time; errors of the store itself are ``StateError`` naming it."""

    @property
    def location(self) -> str:
        """Where the store is, without secrets: what errors and logs say."""
        ...

    def views(self) -> dict[str, ViewSpec]:
        """All views that the store holds, by name."""
        ...

    def schemas(self) -> dict[int, PackedSchema]:
        """All schemas that rows were ever packed with, by fingerprint."""
        ...

    def declare(self, spec: ViewSpec) -> None:
        """Make room for a view, or take over its changed ttl, schema and digest.

        Its rows stay and are read by the schema they were packed with; they go where the view has another join key now.
        """
        ...

    def drop(self, view: str) -> None:
        """Forget a view, its rows and what they came from; nothing happens where there is no such view."""
        ...

    def rename(self, view: str, name: str) -> None:
        """Keep a view's rows, spec and record under another name; under its own there is nothing then.

        Raises:
            NotFoundError: no such view.
            StateError: the other name is taken.
        """
        ...

    def write(self, view: str, rows: Iterable[PackedRow]) -> int:
        """Put rows in; returns how many took effect. Writing the same rows again leaves the same store.

        A row older than what is there changes nothing; of two with the same event and created time the one written last stays, so that
        materializing a repaired table repairs the store. Rows of erased entities that were created by their erasure are left out.

        Raises:
            NotFoundError: the view was never declared.
        """
        ...

    def read(self, keys: Mapping[str, Sequence[EntityKey | None]]) -> dict[str, list[StoredRow | None]]:
        """The rows of several views (view → keys) in one snapshot, in the order asked; ``None`` where there is none.

        Raises:
            NotFoundError: the store has no such view.
        """
        ...

    def forget_after(self, view: str, instant_us: int) -> int:
        """Delete a view's rows that nobody could have at ``instant_us``; for a frozen clock that was set back. Returns how many."""
        ...

    def erase(self, key_name: str, key: EntityKey, at_us: int) -> dict[str, int]:
        """Delete an entity from every view with its key, also as one part of several, and keep it out.

        Rows created at or before ``at_us`` that are written later do not bring it back; rows created afterwards do. Returns, for each of
        those views, how many rows went. The store remembers a keyed digest, not the key.

        Raises:
            NotFoundError: no view has such a join key.
        """
        ...

    def erased(self) -> list[Erasure]:
        """All erasures, by key name and digest."""
        ...

    def standing(self) -> dict[str, Standing]:
        """How many rows each view has and its newest event, by view; looks at every row."""
        ...

    def note_materialized(self, view: str, record: str) -> None:
        """Keep, with the rows, what they came from (JSON)."""
        ...

    def read_materialized(self) -> dict[str, str]:
        """What each view's rows last came from, by view."""
        ...

    def transaction(self, view: str | None = None) -> AbstractContextManager[None]:
        """Errors of beginning and ending it name ``view``, where it is about one. What is done inside is there together or not at all (SQLite), or in order, each call by itself (Redis).

        On Redis a writer that dies in the middle leaves whole rows of a part of its batch: ``note_materialized`` comes last, and doing
        it again gives what doing it once would have given.
        """
        ...

    def close(self) -> None:
        """Let go of the file or the connections."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def is_redis(location: str | Path) -> bool:
    """Whether a location is a Redis server's and not a file's."""
    return isinstance(location, str) and location.startswith(("redis://", "rediss://"))


def open_backend(location: str | Path, view: str | None = None) -> Backend:
    """The store at ``location``, made where there is none: a path is a SQLite file, ``redis://…`` or ``rediss://…`` a Redis server.

    ``view``: what the errors of opening name, where it is opened for one. On a server stores are told apart by their prefix, an argument of the URL: ``redis://host:6379/0?prefix=marketplace:brazil``.

    Raises:
        SettingsError: the URL can't be read, or the Redis client is not installed.
        StateError: it can't be opened for writing, or something else is there.
    """
    if is_redis(location):
        from tradewind_features.online.redis_store import RedisBackend

        return RedisBackend(str(location), view)
    from tradewind_features.online.sqlite import SqliteBackend

    return SqliteBackend(Path(location), view=view)


def unknown_view(location: str, view: str, held: Iterable[str]) -> NotFoundError:
    """The refusal of a view that the store does not hold."""
    there = ", ".join(sorted(held)) or "none"
    return NotFoundError(f"online store {location}: no view {view!r} is declared (there are: {there}); run `feast apply`")
