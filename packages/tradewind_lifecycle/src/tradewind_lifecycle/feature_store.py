"""The feature store of a world: Feast's registry kept equal to ``feature_repo`` over what is published.

Feast is imported inside the functions: it costs seconds, and most callers of this package never need it.
"""

import contextlib
import copy
import importlib
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.manifest import MANIFEST, Manifest, PublishedTable
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_features.online import sqlite_file
from tradewind_features.specs import DEFINITION, VERSION_OF
from tradewind_features.transforms import PARCEL_REQUEST_FEATURES
from tradewind_lifecycle.views import evolution

if TYPE_CHECKING:
    from feast import FeatureStore

HALF = "features"
_PUBLISHED_TYPES = {"Float64": "double", "Int64": "int64", "String": "string", "Bool": "bool"}


class AppliedSpecs(BaseModel):
    """What is registered: the digest of each view's spec, the views of each service, and the published manifest it points at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digests: dict[str, str]
    services: dict[str, list[str]]
    published_digest: str

    def of_service(self, service: str) -> dict[str, str]:
        """The spec digests of the views in ``service``, on-demand views too.

        Raises:
            NotFoundError: no such service.
        """
        if service not in self.services:
            raise NotFoundError(f"feature service {service!r}: not registered (there are: {', '.join(sorted(self.services)) or 'none'})")
        return {view: self.digests[view] for view in self.services[service]}


@dataclass(frozen=True)
class Repository:
    """The objects of ``feature_repo``; copies that a caller may point at files."""

    entities: list[Any]
    views: list[Any]
    on_demand: list[Any]
    services: list[Any]


def feature_repo_dir() -> Path:
    """The feature repository of this workspace."""
    return Path(__file__).resolve().parents[4] / "feature_repo"


def repository() -> Repository:
    """A fresh copy of what ``feature_repo`` declares."""
    declared = _import_repository()
    with quiet_feast():
        return Repository(*copy.deepcopy((declared.ENTITIES, declared.VIEWS, declared.ON_DEMAND_VIEWS, declared.SERVICES)))


def open_store(settings: Settings, registry: Path | None = None) -> "FeatureStore":
    """Feast's store of the world that ``settings`` mean: its registry (or another file), published files, online store and clock.

    Raises:
        StateError: no world has landed there.
    """
    from feast import FeatureStore
    from feast.repo_config import RepoConfig

    paths = settings.paths
    config = yaml.safe_load((feature_repo_dir() / "feature_store.yaml").read_text(encoding="utf-8"))
    clock = World.read(paths.world_file).clock
    paths.feast_registry.parent.mkdir(parents=True, exist_ok=True)
    config["registry"]["path"] = str(registry or paths.feast_registry)
    config["offline_store"] |= {
        "threads": settings.threads,
        "memory_limit": settings.memory_limit,
        "pushed": str(paths.pushed),
        "tables": _published_tables(settings),
    }
    config["online_store"] = _online_store(settings) | {"materializations": str(paths.materializations), "frozen_at": clock.at}
    with quiet_feast():
        return FeatureStore(config=RepoConfig(**config, repo_path=feature_repo_dir()))


def apply(settings: Settings, say: Callable[[str], None] = lambda _: None) -> AppliedSpecs:
    """Make the registry equal to ``feature_repo`` over what is published now; objects that left the repository leave the registry.

    A view that was redefined or left while a living model needs it stays beside as a version of its own, until no alias needs it
    (:mod:`tradewind_lifecycle.views.evolution`); ``say`` hears one line about each such version.

    Raises:
        StateError: the features have not been published, or the model registry can't be read.
        NotFoundError: a view's table is not among what is published.
        IntegrityError: a published table lacks a column of its view, or has it in another type.
    """
    published = Manifest.read(settings.paths.published / HALF)
    sqlite_file.set_damaged_aside(settings.paths.online_store)
    declared = repository()
    for view in declared.views:
        table = published.table(view.batch_source.name)
        _refuse_another_form(view, table)
        view.batch_source.file_options.uri = str(settings.paths.published / HALF / table.path)
        if table.definition:
            view.tags[DEFINITION] = table.definition
    store = open_store(settings)
    with quiet_feast():
        evolved = evolution.prepare(settings, store, declared.views, [view.name for view in declared.on_demand])
        objects = [*declared.entities, *declared.views, *declared.on_demand, *declared.services, *evolved.beside(declared.entities)]
        store.apply(objects, objects_to_delete=_gone(store, objects), partial=False)
        evolution.settle(settings, store)
    for line in evolved.lines:
        say(line)
    return applied_specs(settings, store)


def _online_store(settings: Settings) -> dict[str, Any]:
    """Feast's settings of the world's online store: the file that feature_store.yaml speaks of, or Redis where one is set."""
    plugins = "tradewind_features.online.store"
    if settings.online_url is None or isinstance(settings.online_location, Path):
        return {"type": f"{plugins}.PackedSqliteOnlineStore", "path": str(settings.paths.online_store)}
    return {"type": f"{plugins}.PackedRedisOnlineStore", "url": settings.online_url.get_secret_value(), "prefix": settings.online_prefix}


def _published_tables(settings: Settings) -> dict[str, str]:
    """Path of the Parquet of each published table, by name: what entity rows given as SQL may read."""
    found: dict[str, str] = {}
    for folder in (settings.paths.published / half for half in ("marts", HALF)):
        if (folder / MANIFEST).exists():
            found |= {name: str(folder / table.path) for name, table in Manifest.read(folder).tables.items()}
    return found


def applied_specs(settings: Settings, store: "FeatureStore | None" = None) -> AppliedSpecs:
    """What the registry holds now.

    Raises:
        StateError: nothing has been applied, or nothing is published.
    """
    from tradewind_features.specs import spec_digest

    store = store or open_store(settings)
    with quiet_feast():
        views = [*store.list_batch_feature_views(), *store.list_on_demand_feature_views()]
        services = store.list_feature_services()
    if not views:
        raise StateError(f"{settings.paths.feast_registry}: no feature views are registered; `make run` applies them")
    return AppliedSpecs(
        digests={view.name: spec_digest(view) for view in sorted(views, key=lambda view: view.name)},
        services={service.name: [projection.name for projection in service.feature_view_projections] for service in services},
        published_digest=Manifest.read(settings.paths.published / HALF).digest,
    )


def feature_manifest() -> dict[str, Any]:
    """What ``feature_repo`` declares, as plain JSON: Dagster's graph and the catalogue read it and need no Feast."""
    declared = repository()
    return {
        "views": [_described_view(view, declared.entities) for view in sorted(declared.views, key=lambda view: view.name)],
        "on_demand_views": [_described_on_demand(view) for view in declared.on_demand],
        "services": [_described_service(service) for service in declared.services],
    }


def write_feature_manifest(path: Path | None = None) -> Path:
    """Write :func:`feature_manifest` to where Dagster's project reads it; a contract test holds it fresh."""
    target = path or feature_repo_dir().parent / "dagster_project" / "generated" / "feature_views.json"
    write_text(target, json.dumps(feature_manifest(), indent=2) + "\n")
    return target


@contextlib.contextmanager
def quiet_feast() -> Iterator[None]:
    """Keep to ourselves what Feast prints and warns of by design: that on-demand views are experimental, and ibis' use of DuckDB."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.filterwarnings("ignore", message="On demand feature view is an experimental feature", category=RuntimeWarning)
        warnings.filterwarnings("ignore", message=r"fetch_arrow_table\(\) is deprecated", category=DeprecationWarning)
        yield


def _import_repository() -> ModuleType:
    """The module with the declarations, from this workspace whatever the folder that the command was started in."""
    root = str(feature_repo_dir().parent)
    if root not in sys.path:
        sys.path.append(root)
    with quiet_feast():
        return importlib.import_module("feature_repo.definitions")


def _refuse_another_form(view: Any, table: PublishedTable) -> None:
    declared = {field.name: _PUBLISHED_TYPES[str(field.dtype)] for field in [*view.entity_columns, *view.features]}
    wrong = [
        f"{name} {kind} (published: {table.columns.get(name, 'absent')})"
        for name, kind in declared.items()
        if table.columns.get(name) != kind
    ]
    if wrong:
        raise IntegrityError(f"view {view.name}: {table.path} is not what feature_repo declares: {'; '.join(wrong)}; mend one of the two")


def _gone(store: "FeatureStore", objects: list[Any]) -> list[Any]:
    kept = {(type(thing).__name__, thing.name) for thing in objects}
    kept |= {(type(source).__name__, source.name) for thing in objects if (source := getattr(thing, "batch_source", None)) is not None}
    registered = [
        *store.list_batch_feature_views(),
        *store.list_on_demand_feature_views(),
        *store.list_feature_services(),
        *(source for source in store.list_data_sources() if VERSION_OF in source.tags),
        *(entity for entity in store.list_entities() if not entity.name.startswith("__")),
    ]
    return [thing for thing in registered if (type(thing).__name__, thing.name) not in kept]


def _described_view(view: Any, entities: list[Any]) -> dict[str, Any]:
    joined = next(entity for entity in entities if entity.name == view.entities[0])
    return {
        "name": view.name,
        "model": view.batch_source.name,
        "entity": joined.name,
        "join_key": joined.join_key,
        "ttl_hours": view.ttl.total_seconds() / 3600 if view.ttl else 0.0,
        "description": view.description,
        "owner": view.owner,
        "tags": dict(sorted(view.tags.items())),
        "columns": [_described_field(field) for field in view.features],
    }


def _described_on_demand(view: Any) -> dict[str, Any]:
    return {
        "name": view.name,
        "description": view.description,
        "owner": view.owner,
        "tags": dict(sorted(view.tags.items())),
        "inputs": [projection.name for projection in view.source_feature_view_projections.values()],
        "request": [_described_field(field) for source in view.source_request_sources.values() for field in source.schema],
        "columns": [_described_field(field) | {"description": PARCEL_REQUEST_FEATURES.get(field.name, "")} for field in view.features],
    }


def _described_service(service: Any) -> dict[str, Any]:
    return {
        "name": service.name,
        "description": service.description,
        "owner": service.owner,
        "tags": dict(sorted(service.tags.items())),
        "views": [projection.name for projection in service.feature_view_projections],
        "features": [f"{p.name}:{field.name}" for p in service.feature_view_projections for field in p.features],
    }


def _described_field(field: Any) -> dict[str, str]:
    return {"name": field.name, "type": str(field.dtype), "description": field.description}
