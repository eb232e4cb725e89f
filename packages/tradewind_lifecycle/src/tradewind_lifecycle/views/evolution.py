"""Evolution: feature views that are redefined under living models.

``feature_store.apply`` goes through here. A definition that the world's aliases still need stays whole when another takes its name: as
``<view>_v<n>`` in Feast's registry, over the dataset that it had, and with its rows in the online store; whoever serves finds it by its
digest. When no alias needs it any more, the next apply removes it. The order of steps lets every crash be mended by applying again:

1. the list of kept datasets grows (a publication deletes nothing that is on it);
2. rows in the online store get their names and digests, in one transaction: from here on services find them there;
3. Feast's registry is swapped for the new one, in one rename;
4. the list of kept datasets shrinks to what the registry names; what leaves it is deleted.

Feast is imported inside the functions: it costs seconds.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind_contracts.instants import Clock, iso
from tradewind_contracts.settings import Settings
from tradewind_features.online.backend import open_backend
from tradewind_lifecycle.publishing import keep_datasets, kept_datasets
from tradewind_lifecycle.views.living import Needs, living_needs
from tradewind_lifecycle.views.pushed_rows import copy_log, drop_copies
from tradewind_lifecycle.views.versions import KeptVersion, VersionPlan, ViewVersion, plan_versions

if TYPE_CHECKING:
    from feast import FeatureStore

HALF = "features"
VERSION_NUMBER = "version_number"
"""Tag: the number of a definition among those that its view has had in this world, from 1."""
VERSIONS_COUNT = "versions_count"
"""Tag: how many definitions the view has had."""
SUPERSEDED_AT = "superseded_at"
"""Tag of a kept version: when another definition took its name (ISO, UTC)."""


@dataclass(frozen=True)
class Evolution:
    """What an apply has to register beside the declared views: kept versions and their entities; and what it says of them."""

    views: list[Any]
    entities: list[Any]
    lines: list[str]

    def beside(self, declared: Iterable[Any]) -> list[Any]:
        """What is registered beside the ``declared`` entities: kept versions, and their entities that are not declared any more."""
        names = {entity.name for entity in declared}
        return [*(entity for entity in self.entities if entity.name not in names), *self.views]


def prepare(settings: Settings, store: "FeatureStore", declared: Iterable[Any], on_demand: Iterable[str]) -> Evolution:
    """Make room for the ``declared`` views, whose sources and definitions are set: steps 1 and 2. Tags them with their numbers.

    Raises:
        StateError: the model registry can't be read, so nobody knows which definitions are needed; or the online store can't be written.
        IntegrityError: a declared view has the name of a version that is kept, or the list of kept datasets is damaged.
    """
    from tradewind_features.specs import spec_digest

    declared = list(declared)
    registered = {view.name: view for view in store.list_batch_feature_views()}
    request_time = {*on_demand, *(view.name for view in store.list_on_demand_feature_views())}
    needs = {view: digests for view, digests in living_needs(settings).items() if view not in request_time}
    folder = settings.paths.published / HALF
    keep_datasets(folder, kept_datasets(folder) | _datasets([*registered.values(), *declared], folder))
    for view in declared:
        _keep_order(view, registered.get(view.name))
    digests = {view.name: spec_digest(view) for view in declared}
    plan = _arrange_online(store, digests, [version_of(view) for view in registered.values()], needs)
    for view in declared:
        number, count = plan.numbers[view.name]
        view.tags |= {VERSION_NUMBER: str(number), VERSIONS_COUNT: str(count)}
    kept = [(registered[kept.version.name], kept) for kept in plan.kept.values() if kept.version.is_registered]
    for view, version in kept:
        if view.name != version.name:
            copy_log(settings.paths.pushed, view.batch_source.name, _kept_source(view, version))
    views = [_kept_view(view, version, folder) for view, version in kept]
    joined = {name for view in views for name in view.entities}
    entities = [entity for entity in store.list_entities() if entity.name in joined]
    return Evolution(views, entities, _lines(plan, digests))


def settle(settings: Settings, store: "FeatureStore") -> None:
    """Keep just the datasets, and logs of kept versions, that Feast's registry names now, and delete those that left: step 4."""
    folder, views = settings.paths.published / HALF, store.list_batch_feature_views()
    keep_datasets(folder, _datasets(views, folder))
    drop_copies(settings.paths.pushed, [view.batch_source.name for view in views])


def version_of(view: Any) -> ViewVersion:
    """Which version of which view a registered Feast view is; one that was registered before versions were counted is the first."""
    from tradewind_features.specs import own_name, spec_digest

    number = int(view.tags.get(VERSION_NUMBER, "1"))
    return ViewVersion(view.name, own_name(view), spec_digest(view), number, int(view.tags.get(VERSIONS_COUNT, number)))


def _keep_order(declared: Any, registered: Any | None) -> None:
    """Columns in another order are the same columns: Feast keeps the order that it has, and so does the digest."""
    if registered is None or {(f.name, f.dtype) for f in declared.features} != {(f.name, f.dtype) for f in registered.features}:
        return
    places = {field.name: place for place, field in enumerate(registered.features)}
    declared.features = sorted(declared.features, key=lambda field: places[field.name])


def _arrange_online(store: "FeatureStore", declared: Mapping[str, str], registered: list[ViewVersion], needs: Needs) -> VersionPlan:
    from tradewind_features.online.store import backend_location

    with open_backend(backend_location(store.config)) as backend, backend.transaction():
        online = {name: spec.spec_digest for name, spec in backend.views().items()}
        plan = plan_versions(declared, registered, online, needs)
        for name in plan.drops:
            backend.drop(name)
        for name, place, digest in plan.moves:
            backend.rename(name, place)
            backend.declare(replace(backend.views()[place], spec_digest=digest))
            record = backend.read_materialized().get(place)
            if record is not None:
                backend.note_materialized(place, json.dumps(json.loads(record) | {"view": place}, sort_keys=True))
    return plan


def _kept_view(view: Any, kept: KeptVersion, folder: Path) -> Any:
    """The registered ``view`` under the name of a kept version; its digest stays what it was."""
    from feast import FeatureView

    from tradewind_features.specs import VERSION_OF

    dataset = _dataset(view, folder)
    if dataset is not None:
        view.batch_source.file_options.uri = str(dataset)
    if view.name == kept.name:
        return view
    proto = view.to_proto()
    tags = {
        VERSION_OF: kept.version.own,
        VERSION_NUMBER: str(kept.version.number),
        VERSIONS_COUNT: str(kept.version.count),
        SUPERSEDED_AT: iso(Clock().now()),
    }
    source = proto.spec.batch_source
    proto.spec.name = kept.name
    proto.spec.tags.update(tags)
    source.tags.update({VERSION_OF: source.name})
    source.name = _kept_source(view, kept)
    # What is pushed from now on is of the declared definition.
    proto.spec.ClearField("stream_source")
    proto.meta.Clear()
    return FeatureView.from_proto(proto)


def _kept_source(view: Any, kept: KeptVersion) -> str:
    return f"{view.batch_source.name}_v{kept.version.number}"


def _datasets(views: Iterable[Any], folder: Path) -> dict[str, str]:
    """The published datasets that registered views stand on: path relative to ``folder`` → reason."""
    named = [(dataset, view.name) for view in views if (dataset := _dataset(view, folder)) is not None]
    # Of two views on one dataset the last by name is told.
    return {dataset.relative_to(folder).as_posix(): f"registered: feature view {name}" for dataset, name in sorted(named)}


def _dataset(view: Any, folder: Path) -> Path | None:
    """The published dataset that a registered view stands on, also where the home was moved since; None for another kind of source."""
    path = Path(view.batch_source.path)
    if path.is_relative_to(folder):
        return path
    return folder / path.name if (folder / path.name).exists() else None


def _lines(plan: VersionPlan, declared: Mapping[str, str]) -> list[str]:
    lines = [
        f"{kept.version.own}: version {kept.version.number} ({kept.version.digest[:12]}) stays as {name}, {_who(kept.needs)} needs it;"
        " no new rows come to it"
        for name, kept in sorted(plan.kept.items())
    ]
    lines += [
        f"{version.own}: version {version.number} ({version.digest[:12]}) is removed, no alias needs it; a model trained on it can not be served again"
        for version in plan.retired
        if version.name != version.own or version.own not in declared
    ]
    lines += [
        f"{own}: {_who(who)} was trained on a definition ({digest[:12]}) that is not there any more; it is not served, train and promote anew"
        for own, digest, who in plan.lost
    ]
    return lines


def _who(needs: Iterable[object]) -> str:
    return ", ".join(str(need) for need in needs)
