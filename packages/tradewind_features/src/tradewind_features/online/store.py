"""Feast's plugins for the packed online store; ``type:`` in ``feature_store.yaml`` names their dotted path.

Materialization does not come through here (the provider packs straight from Arrow); Feast's own writes, pushes and reads do.
"""

import asyncio
import contextlib
import datetime as dt
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from feast import Entity, FeatureView
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from pydantic import AwareDatetime, SecretStr

from tradewind_contracts.instants import Clock
from tradewind_features.online.backend import Backend, PackedRow, open_backend
from tradewind_features.online.feast_values import entity_key, from_proto, instant, microseconds, present_key, to_proto, view_storage
from tradewind_features.online.packing import pack_rows
from tradewind_features.online.reader import OnlineReader, Presence
from tradewind_features.online.redis_connecting import with_prefix
from tradewind_features.online.redis_store import RedisBackend

__all__ = [
    "PackedOnlineStoreConfig",
    "PackedRedisOnlineStore",
    "PackedRedisOnlineStoreConfig",
    "PackedSqliteOnlineStore",
    "PackedSqliteOnlineStoreConfig",
    "backend_location",
    "microseconds",
    "store_path",
    "view_storage",
]

WriteRow = tuple[EntityKeyProto, dict[str, ValueProto], dt.datetime, dt.datetime | None]
ReadRow = tuple[dt.datetime | None, dict[str, ValueProto] | None]


class PackedOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast ships no types
    """What the settings of both stores have in common."""

    materializations: str | None = None
    """Folder for the log of materializations; none is kept without it."""
    frozen_at: AwareDatetime | None = None
    """Instant of a frozen clock: ages refer to it, and a materialization forgets rows that nobody could have at its end."""

    @property
    def clock(self) -> Clock:
        """The clock that ttl asks."""
        return Clock.frozen(self.frozen_at) if self.frozen_at is not None else Clock()


class PackedSqliteOnlineStoreConfig(PackedOnlineStoreConfig):
    """Settings of the embedded online store in ``feature_store.yaml``."""

    type: Literal["tradewind_features.online.store.PackedSqliteOnlineStore"] = "tradewind_features.online.store.PackedSqliteOnlineStore"
    path: str = "online.db"
    """The SQLite file; one for each world. A relative path is relative to the feature repository."""


class PackedRedisOnlineStoreConfig(PackedOnlineStoreConfig):
    """Settings of the online store on Redis in ``feature_store.yaml``."""

    type: Literal["tradewind_features.online.store.PackedRedisOnlineStore"] = "tradewind_features.online.store.PackedRedisOnlineStore"
    url: SecretStr
    """``redis://[user:password@]host[:port][/database]`` (``rediss://`` with TLS); Feast fills in ``${VARIABLES}`` of the environment."""
    prefix: str | None = None
    """What the store's keys begin with, so that several share a server; the project's name without it."""


def backend_location(config: RepoConfig) -> str | Path:
    """What ``open_backend`` and ``OnlineReader`` open for this configuration; a server's URL holds its password."""
    settings = config.online_store
    if isinstance(settings, PackedRedisOnlineStoreConfig):
        return with_prefix(settings.url.get_secret_value(), settings.prefix or config.project)
    return store_path(config)


def store_path(config: RepoConfig) -> Path:
    """Where the embedded store's file stands."""
    path = Path(config.online_store.path)
    return path if path.is_absolute() or config.repo_path is None else Path(config.repo_path) / path


class _PackedOnlineStore(OnlineStore):  # type: ignore[misc]  # Feast ships no types
    """What Feast asks of an online store, over any backend: no older event over a newer one, ttl kept at read."""

    def __init__(self) -> None:
        self._readers: dict[str | Path, OnlineReader] = {}

    @abstractmethod
    def _writing(self, config: RepoConfig, view: str | None = None) -> contextlib.AbstractContextManager[Backend]:
        """The backend, for one transaction; errors name ``view``."""

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],  # noqa: ARG002 - Feast's signature
        entities_to_keep: Sequence[Entity],  # noqa: ARG002 - Feast's signature
        partial: bool,  # noqa: ARG002 - Feast's signature
    ) -> None:
        """Declare the views that are kept and drop those that are deleted, in one transaction."""
        specs = [view_storage(view) for view in tables_to_keep]
        with self._writing(config) as backend:
            for view in tables_to_delete:
                backend.drop(view.name)
            for spec in specs:
                backend.declare(spec)

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[WriteRow], progress: Callable[[int], Any] | None
    ) -> None:
        """Write rows in one transaction; naive instants are UTC, and a row without a created time was created at its event."""
        spec = view_storage(table)
        packed = pack_rows(spec.schema, [{name: from_proto(value) for name, value in values.items()} for _, values, _, _ in data])
        rows: list[PackedRow] = [
            (present_key(key, spec.view), microseconds(event), microseconds(created or event), row)
            for (key, _, event, created), row in zip(data, packed, strict=True)
        ]
        with self._writing(config, spec.view) as backend:
            backend.declare(spec)
            backend.write(spec.view, rows)
        if progress is not None:
            progress(len(rows))

    def online_read(
        self, config: RepoConfig, table: FeatureView, entity_keys: list[EntityKeyProto], requested_features: list[str] | None = None
    ) -> list[ReadRow]:
        """Values by entity, in order; ``(None, None)`` where the entity is absent or its row is past the view's ttl."""
        location = backend_location(config)
        reader = self._readers.setdefault(location, OnlineReader(location))
        rows = reader.read_exact(table.name, [entity_key(key) for key in entity_keys], config.online_store.clock.now())
        types = dict(reader.views()[table.name].schema.fields)
        wanted = requested_features or list(types)
        return [
            (instant(row.event_us), {name: to_proto(row.values.get(name), types.get(name)) for name in wanted})
            if row.presence is Presence.PRESENT and row.event_us is not None
            else (None, None)
            for row in rows
        ]

    # Feast's server does better with the two above on its own threads than with these on its event loop, and goes by
    # `async_supported`, which says no; they are for those who await a read or a write themselves.

    async def online_write_batch_async(
        self, config: RepoConfig, table: FeatureView, data: list[WriteRow], progress: Callable[[int], Any] | None
    ) -> None:
        """:meth:`online_write_batch` on another thread."""
        await asyncio.to_thread(self.online_write_batch, config, table, data, progress)

    async def online_read_async(
        self, config: RepoConfig, table: FeatureView, entity_keys: list[EntityKeyProto], requested_features: list[str] | None = None
    ) -> list[ReadRow]:
        """:meth:`online_read` on another thread."""
        return await asyncio.to_thread(self.online_read, config, table, entity_keys, requested_features)


class PackedRedisOnlineStore(_PackedOnlineStore):
    """The same layout on a Redis server: the server compares and sets, so that any number of processes may write."""

    def __init__(self) -> None:
        super().__init__()
        self._backends: dict[str, RedisBackend] = {}
        self._opening = threading.Lock()

    @contextlib.contextmanager
    def _writing(self, config: RepoConfig, view: str | None = None) -> Iterator[Backend]:  # noqa: ARG002 - the server's errors name each call's view
        yield self._backend(config)

    def _backend(self, config: RepoConfig) -> RedisBackend:
        location = str(backend_location(config))
        with self._opening:
            if location not in self._backends:
                self._backends[location] = RedisBackend(location)
            return self._backends[location]

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:  # noqa: ARG002 - Feast's signature
        """Delete all keys with the store's prefix that are the store's, and whom it was asked to forget among them."""
        with self._opening:
            self._backends.pop(str(backend_location(config)), None)
        with RedisBackend(str(backend_location(config))) as backend:
            backend.clear()


class PackedSqliteOnlineStore(_PackedOnlineStore):
    """One packed row per view and entity in one SQLite file: WAL, no older event over a newer one, ttl kept at read."""

    @contextlib.contextmanager
    def _writing(self, config: RepoConfig, view: str | None = None) -> Iterator[Backend]:
        with open_backend(store_path(config), view) as backend, backend.transaction(view):
            yield backend

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:  # noqa: ARG002 - Feast's signature
        """Delete the file with all its views, and with whom it was asked to forget."""
        path = store_path(config)
        for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            file.unlink(missing_ok=True)
