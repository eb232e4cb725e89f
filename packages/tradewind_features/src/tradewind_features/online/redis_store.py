"""The online store on a Redis server, for production: any number of writers and readers, on any machine.

The server compares and sets each row in a script, so that an older row never takes a newer one's place whoever writes. Rows are sent
in chunks; a chunk is there whole or not at all, and one that was sent twice is there once.
"""

import contextlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self

from tradewind_contracts.errors import StateError
from tradewind_features.online import redis_layout as layout
from tradewind_features.online.backend import EntityKey, Erasure, PackedRow, Standing, StoredRow, ViewSpec, unknown_view
from tradewind_features.online.erasures import ErasureList, spellings, views_of
from tradewind_features.online.packing import PackedSchema
from tradewind_features.online.redis_connecting import RedisStore

ROWS_PER_CHUNK = 500
"""Rows that one script compares and sets; chosen: about a millisecond in which the server serves nobody else."""
CHUNKS_AT_ONCE = 16
_SCAN = 1000


class RedisBackend:
    """The store at ``url``, made where there is none; see :class:`tradewind_features.online.backend.Backend`.

    Raises:
        SettingsError: the URL can't be read, or the Redis client is not installed.
        StateError: the server can't be reached, or something else has the prefix there.
    """

    def __init__(self, url: str, view: str | None = None) -> None:
        self._store = RedisStore(url)
        self._keys = self._store.keys
        with self._store.told(view):
            found = self._store.run(layout.PREPARE, [self._keys.state], [layout.LAYOUT, secrets.randbits(40), secrets.token_bytes(32)])
        if found != b"%d" % layout.LAYOUT:
            self._store.close()
            raise StateError(
                f"online store {self.location}: not a packed online store of layout {layout.LAYOUT} (found: {found!r}); take another prefix"
            )

    @property
    def location(self) -> str:
        """Host, port, database and prefix: the URL without its secrets."""
        return self._store.location

    def views(self) -> dict[str, ViewSpec]:
        """All views that the store holds, by name."""
        with self._store.told():
            return read_known(self._store)[1]

    def schemas(self) -> dict[int, PackedSchema]:
        """All schemas that rows were ever packed with, by fingerprint."""
        with self._store.told():
            return read_known(self._store)[2]

    def declare(self, spec: ViewSpec) -> None:
        """Make room for a view, or take over its changed ttl, schema and digest; another join key empties it."""
        keys = [self._keys.state, self._keys.views, self._keys.schemas, self._keys.materialized, self._keys.rows(spec.view)]
        kept = [spec.view, layout.spec_json(spec), spec.key_name, spec.schema.fingerprint, spec.schema.to_json()]
        with self._store.told(spec.view):
            self._store.run(layout.DECLARE, keys, kept)

    def drop(self, view: str) -> None:
        """Forget a view, its rows and what they came from; nothing happens where there is no such view."""
        with self._store.told(view):
            self._store.run(layout.DROP, [self._keys.state, self._keys.views, self._keys.materialized, self._keys.rows(view)], [view])

    def rename(self, view: str, name: str) -> None:
        """Keep a view's rows, spec and record under another name.

        Raises:
            NotFoundError: no such view.
            StateError: the other name is taken.
        """
        keys = [self._keys.state, self._keys.views, self._keys.materialized, self._keys.rows(view), self._keys.rows(name)]
        with self._store.told(view):
            done = self._store.run(layout.RENAME, keys, [view, name])
        if done == -1:
            raise unknown_view(self.location, view, self.views())
        if done == -2:
            raise StateError(f"online store {self.location}: view {view!r} can't be kept as {name!r}: there is a view of that name")

    def write(self, view: str, rows: Iterable[PackedRow]) -> int:
        """Put rows in; returns how many took effect. An older row than what is there, by event then by created time, changes nothing.

        Raises:
            NotFoundError: the view was never declared.
        """
        written, source = 0, iter(rows)
        with self._store.told(view):
            while chunks := [chunk for _ in range(CHUNKS_AT_ONCE) if (chunk := list(islice(source, ROWS_PER_CHUNK)))]:
                while chunks:
                    answers = self._write_chunks(view, chunks)
                    written += sum(answer for answer in answers if answer > 0)
                    # Refused as a whole: somebody was erased, or the view was declared otherwise, since it was last asked.
                    chunks = [chunk for chunk, answer in zip(chunks, answers, strict=True) if answer < 0]
        return written

    def _write_chunks(self, view: str, chunks: Sequence[Sequence[PackedRow]]) -> list[int]:
        spec, spec_text, changes, erasures = self._asked_before_writing(view)
        keys = [self._keys.state, self._keys.views, self._keys.rows(view)]
        calls = []
        for chunk in chunks:
            arguments: list[Any] = [view, spec_text, changes]
            for row in erasures.kept(spec.key_name, chunk):
                arguments += (layout.field_of(row[0]), layout.value_of(row))
            calls.append((keys, arguments))
        return self._store.run_all(layout.WRITE, calls)

    def _asked_before_writing(self, view: str) -> tuple[ViewSpec, bytes, bytes, ErasureList]:
        with self._store.client.pipeline(transaction=True) as pipeline:
            pipeline.hget(self._keys.views, view)
            pipeline.hgetall(self._keys.schemas)
            pipeline.hmget(self._keys.state, ["erasures", "salt"])
            pipeline.hgetall(self._keys.erasures)
            text, schemas, (changes, salt), erased = pipeline.execute()
        if text is None:
            raise unknown_view(self.location, view, self.views())
        return layout.spec_of(view, text, _schemas(schemas)), text, changes, _erasure_list(salt, erased)

    def read(self, keys: Mapping[str, Sequence[EntityKey | None]]) -> dict[str, list[StoredRow | None]]:
        """The rows of several views (view → keys) in one snapshot, in the order asked; ``None`` where there is none.

        Raises:
            NotFoundError: the store has no such view.
        """
        with self._store.told(", ".join(keys)):
            held = self.views()
            for view in keys:
                if view not in held:
                    raise unknown_view(self.location, view, held)
            return read_rows(self._store, keys)[1]

    def forget_after(self, view: str, instant_us: int) -> int:
        """Delete a view's rows that nobody could have at ``instant_us``. Returns how many.

        Raises:
            NotFoundError: the store has no such view.
        """
        if view not in (held := self.views()):
            raise unknown_view(self.location, view, held)
        gone = 0
        with self._store.told(view):
            later = (
                field
                for field, value in self._store.client.hscan_iter(self._keys.rows(view), count=_SCAN)
                if max(layout.row_of(value)[:2]) > instant_us
            )
            while part := list(islice(later, ROWS_PER_CHUNK)):
                gone += self._store.run(layout.FORGET, [self._keys.rows(view)], [layout.stamp_of(instant_us), *part])
        return gone

    def erase(self, key_name: str, key: EntityKey, at_us: int) -> dict[str, int]:
        """Delete an entity from every view with its key and keep out what was created by ``at_us``; how many rows went, by view.

        Writers keep it out from the moment that it is on the list, which comes first: if this is cut short, doing it again finishes it.
        The server's own files (AOF, RDB) hold the bytes until it writes them anew.

        Raises:
            NotFoundError: no view has such a join key.
        """
        specs = views_of(key_name, self.views().values(), self.location)
        with self._store.told():
            erasures = self._erasures()
            self._store.run(layout.ERASE, [self._keys.state, self._keys.erasures], [f"{key_name}:{erasures.digest(key_name, key)}", at_us])
            return {spec.view: self._delete(spec, self._fields_of(erasures, key_name, key, spec)) for spec in specs}

    def erased(self) -> list[Erasure]:
        """All erasures, by key name and digest."""
        with self._store.told():
            return self._erasures().entries()

    def standing(self) -> dict[str, Standing]:
        """How many rows each view has and its newest event; reads all rows."""
        with self._store.told():
            return read_standing(self._store)

    def note_materialized(self, view: str, record: str) -> None:
        """Keep what a view's rows came from (JSON); comes last, so that it is there only if they are."""
        with self._store.told(view):
            self._store.client.hset(self._keys.materialized, view, record)

    def read_materialized(self) -> dict[str, str]:
        """What each view's rows last came from, by view."""
        with self._store.told():
            found: dict[bytes, bytes] = self._store.client.hgetall(self._keys.materialized)
        return {view.decode(): record.decode() for view, record in found.items()}

    @contextlib.contextmanager
    def transaction(self, view: str | None = None) -> Iterator[None]:  # noqa: ARG002 - the protocol's signature: it neither waits nor fails
        """Order, and no more: each call is atomic by itself (a ``write`` by chunks), and what fails keeps what follows from being done."""
        yield

    def clear(self) -> None:
        """Delete the store with all its views, and with whom it was asked to forget."""
        with self._store.told():
            rows = [self._keys.rows(view) for view in self.views()]
            keys = [self._keys.views, self._keys.schemas, self._keys.materialized, self._keys.erasures, self._keys.state]
            self._store.client.unlink(*rows, *keys)

    def close(self) -> None:
        """Close the connections."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _erasures(self) -> ErasureList:
        salt = self._store.client.hget(self._keys.state, "salt")  # it never changes
        return _erasure_list(salt, self._store.client.hgetall(self._keys.erasures))

    def _fields_of(self, erasures: ErasureList, key_name: str, key: EntityKey, spec: ViewSpec) -> list[bytes]:
        if "," not in spec.key_name:
            return [layout.field_of(each) for each in spellings(key)]
        held = (layout.key_of(field) for field, _ in self._store.client.hscan_iter(self._keys.rows(spec.view), count=_SCAN))
        return [layout.field_of(each) for each in erasures.keys_of(key_name, key, spec.key_name, held)]

    def _delete(self, spec: ViewSpec, fields: Sequence[bytes]) -> int:
        deleted: int = self._store.client.hdel(self._keys.rows(spec.view), *fields) if fields else 0
        return deleted


def read_known(store: RedisStore) -> tuple[bytes, dict[str, ViewSpec], dict[int, PackedSchema]]:
    """The store's generation, its views and its schemas, in one snapshot.

    Raises:
        StateError: there is no store of this layout.
    """
    keys = [store.keys.state, store.keys.views, store.keys.schemas]
    found, generation, *listed = store.run(layout.KNOWN, keys, [])
    views, fields = (dict(zip(each[::2], each[1::2], strict=True)) for each in listed)
    if found is None:
        raise StateError(f"{store.location}: no online store here yet; `feast apply` makes it and `feast materialize` fills it")
    if found != b"%d" % layout.LAYOUT:
        raise StateError(f"online store {store.location}: not a packed online store of layout {layout.LAYOUT} (found: {found!r})")
    schemas = _schemas(fields)
    return generation, {view.decode(): layout.spec_of(view.decode(), text, schemas) for view, text in sorted(views.items())}, schemas


def read_rows(store: RedisStore, keys: Mapping[str, Sequence[EntityKey | None]]) -> tuple[bytes | None, dict[str, list[StoredRow | None]]]:
    """The store's generation (``None``: no store) and the rows of several views, in one snapshot."""
    wanted = {view: {key: layout.field_of(key) for key in of_view if key is not None} for view, of_view in keys.items()}
    asked = [view for view, fields in wanted.items() if fields]
    fields = [field for view in asked for field in wanted[view].values()]
    arguments = [*(len(wanted[view]) for view in asked), *fields]
    generation, *answers = store.run(layout.READ, [store.keys.state, *(store.keys.rows(view) for view in asked)], arguments)
    held = {
        view: {key: layout.row_of(value) for key, value in zip(wanted[view], values, strict=True) if value is not None}
        for view, values in zip(asked, answers, strict=True)
    }
    return generation, {
        view: [held.get(view, {}).get(key) if key is not None else None for key in of_view] for view, of_view in keys.items()
    }


def read_standing(store: RedisStore) -> dict[str, Standing]:
    """How many rows each view has and its newest event, by view; reads them all, a part at a time."""
    standing = {}
    for view in read_known(store)[1]:
        events = {field: layout.row_of(value)[0] for field, value in store.client.hscan_iter(store.keys.rows(view), count=_SCAN)}
        standing[view] = Standing(len(events), max(events.values(), default=None))
    return standing


def _schemas(fields: Mapping[bytes, bytes]) -> dict[int, PackedSchema]:
    return {int(fingerprint): PackedSchema.from_json(text.decode()) for fingerprint, text in fields.items()}


def _erasure_list(salt: bytes, erased: Mapping[bytes, bytes]) -> ErasureList:
    until: dict[str, dict[str, int]] = {}
    for name, at_us in erased.items():
        key_name, digest = name.decode().rsplit(":", 1)
        until.setdefault(key_name, {})[digest] = int(at_us)
    return ErasureList(salt, until)
