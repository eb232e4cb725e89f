"""The same views in a Feast repository of its own for each contender that is called through Feast."""

import datetime as dt
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, Int64

KEY = "merchant_id"
PROJECT = "bench"


def merchant(*, integer_keys: bool = False) -> Entity:
    return Entity(name="merchant", join_keys=[KEY], value_type=ValueType.INT64 if integer_keys else ValueType.STRING)


def file_view(
    entity: Entity, name: str, path: str, features: Iterable[str], ttl: dt.timedelta, counts: Collection[str] = ()
) -> FeatureView:
    """A view of Float64 features (Int64 those in ``counts``) over Parquet with event and created time."""
    source = FileSource(name=f"{name}_source", path=path, timestamp_field="event_timestamp", created_timestamp_column="created_timestamp")
    schema = [Field(name=feature, dtype=Int64 if feature in counts else Float64) for feature in features]
    return FeatureView(name=name, entities=[entity], ttl=ttl, schema=schema, source=source)


def feast_store(folder: Path, **settings: Any) -> FeatureStore:
    """The Feast repository in ``folder``. ``settings`` as in its YAML: ``provider``, ``offline_store``, ``online_store``; Feast's own by default."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {"provider": "local", "online_store": {"type": "sqlite", "path": str(folder / "online.db")}} | settings
    registry = str(folder / "registry.db")
    return FeatureStore(
        config=RepoConfig(project=PROJECT, registry=registry, entity_key_serialization_version=3, repo_path=folder, **given)
    )


def open_store(folder: Path, entity: Entity, views: Iterable[FeatureView], **settings: Any) -> FeatureStore:
    """:func:`feast_store` with ``views`` applied."""
    store = feast_store(folder, **settings)
    store.apply([entity, *views])
    return store
