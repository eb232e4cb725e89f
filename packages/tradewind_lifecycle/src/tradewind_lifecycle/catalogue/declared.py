"""The declared part of the catalogue: what the features are, where they come from, who may use them. Needs no world and no Feast.

It reads two generated files, which a contract test holds fresh: the manifest of ``feature_repo``, and the lineage of every column.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tradewind_contracts.errors import NotFoundError, StateError
from tradewind_lifecycle.builds import dbt_project_dir
from tradewind_lifecycle.lineage import REQUEST, ColumnGraph, Use

ROOT = dbt_project_dir().parent
"""The root of the workspace."""
FEATURE_VIEWS = Path("dagster_project", "generated", "feature_views.json")
COLUMN_LINEAGE = Path("docs", "catalogue", "column_lineage.json")
SERVICES = Path("services")


@dataclass(frozen=True)
class Feature:
    """One feature: its view, name, type (Feast's) and meaning."""

    view: str
    name: str
    type: str
    description: str

    @property
    def reference(self) -> str:
        """Feast's name of it, ``view:feature``."""
        return f"{self.view}:{self.name}"

    @property
    def column(self) -> str:
        """Its column in training sets and in a model's importance, ``view__feature``."""
        return f"{self.view}__{self.name}"


@dataclass(frozen=True)
class View:
    """A feature view as declared. ``model`` is its dbt model, empty for an on-demand view, whose values come from the request.

    ``entity``: ``request`` of an on-demand view. ``ttl_hours``: 0 is for ever. ``grain``: what a row is and what it may see, as its dbt model says; ``sql``: the model's file. ``services``: the feature services that name it. ``inputs``: the views that an on-demand view reads;
    ``request``: the fields that a caller gives it.
    """

    name: str
    model: str
    entity: str
    join_key: str
    ttl_hours: float
    description: str
    owner: str
    tags: Mapping[str, str]
    features: tuple[Feature, ...]
    services: tuple[str, ...]
    grain: str = ""
    sql: str = ""
    inputs: tuple[str, ...] = ()
    request: tuple[str, ...] = ()

    @property
    def is_on_demand(self) -> bool:
        """Whether it is computed when it is asked for."""
        return not self.model

    @property
    def table(self) -> str:
        """Its table in the lineage, ``features.<model>``."""
        return f"features.{self.model or self.name}"

    def feature(self, name: str) -> Feature:
        """The feature called ``name``.

        Raises:
            NotFoundError: there is none; says what is close.
        """
        for feature in self.features:
            if feature.name == name:
                return feature
        raise NotFoundError(f"view {self.name} has no feature {name!r}{close(name, [feature.name for feature in self.features])}")


@dataclass(frozen=True)
class FeatureServiceSpec:
    """A feature service: what one model's version line may read. ``family`` is the model's; ``features`` as ``view:feature``."""

    name: str
    description: str
    owner: str
    family: str
    views: tuple[str, ...]
    features: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """All views, feature services, the services of ``services/`` by the model that they answer from, and the lineage of columns."""

    views: tuple[View, ...]
    services: tuple[FeatureServiceSpec, ...]
    product_services: tuple[str, ...]
    lineage: ColumnGraph

    def view(self, name: str) -> View:
        """The view called ``name``.

        Raises:
            NotFoundError: there is none; says what is close.
        """
        if name not in self._by_name:
            raise NotFoundError(f"no feature view {name!r}{close(name, self._by_name)}")
        return self._by_name[name]

    def find(self, reference: str) -> tuple[View, Feature | None]:
        """What ``view``, ``view:feature`` or ``view__feature`` names; a view's table, and a feature's name alone if one view alone has it, too.

        Raises:
            NotFoundError: nothing has that name, or several features have; says which, or what is close.
        """
        tables = {each.model: each for each in self.views if each.model}
        if reference in tables:
            return tables[reference], None
        view, _, feature = reference.replace("__", ":", 1).partition(":")
        if feature:
            return (found := self.view(view)), found.feature(feature)
        if view in self._by_name:
            return self._by_name[view], None
        named = [feature for each in self.views for feature in each.features if feature.name == view]
        if len(named) == 1:
            return self.view(named[0].view), named[0]
        if named:
            raise NotFoundError(f"{view!r} is a feature of several views; say which: {', '.join(feature.reference for feature in named)}")
        names = [*self._by_name, *(feature.reference for each in self.views for feature in each.features)]
        raise NotFoundError(f"no feature view or feature {view!r}{close(view, names)}")

    def sources(self, view: View, feature: Feature) -> dict[str, Use] | None:
        """The landing columns (and fields of the request) that a feature is made of; None where the lineage does not know it yet."""
        node = f"{view.table}.{feature.name}"
        return self.lineage.sources(node) if node in self.lineage.nodes else None

    def readers(self, view: View) -> list[str]:
        """The on-demand views that read ``view``."""
        return [other.name for other in self.views if view.name in other.inputs]

    @cached_property
    def _by_name(self) -> dict[str, View]:
        return {view.name: view for view in self.views}


def close(name: str, names: Iterable[str]) -> str:
    """The end of a refusal: what was probably meant, or what there is."""
    there = list(dict.fromkeys(names))
    ranked = sorted(there, key=lambda whole: -_likeness(name, whole))
    near = [whole for whole in ranked if _likeness(name, whole) >= _NEAR][:4]
    if near:
        return f"; did you mean {', '.join(near)}?"
    some = [whole for whole in there if ":" not in whole] or there
    return f" (there are: {', '.join(some)}); `tradewind features search` finds by words"


_NEAR = 0.7
"""Chosen: ``merchant_hnadling`` is near ``merchant_handling_90d``, ``tranist`` near ``transit_pace_90d``, ``promised`` near nothing."""


def _likeness(said: str, name: str) -> float:
    """How alike a name (of a feature, without its view) is to what was said: the whole of it, or the beginning that is as long."""
    own = name.rpartition(":")[2]
    return max(difflib.SequenceMatcher(None, said, form).ratio() for form in (own, own[: len(said)])) + (0.3 if said in own else 0.0)


def read_catalogue(root: Path = ROOT) -> Catalogue:
    """The declared catalogue of the workspace at ``root``.

    Raises:
        StateError: a generated file is absent or damaged.
    """
    found = _generated(root / COLUMN_LINEAGE)
    return catalogue_of(_generated(root / FEATURE_VIEWS), ColumnGraph.from_json(found["tables"]), found["models"], root)


def catalogue_of(
    manifest: Mapping[str, Any], lineage: ColumnGraph, models: Mapping[str, Mapping[str, str]], root: Path = ROOT
) -> Catalogue:
    """The catalogue of a manifest (``feature_store.feature_manifest``), a lineage, and what dbt says of each feature model.

    ``models``: by name, its ``description`` and the ``path`` of its SQL in the workspace. ``root`` is where the product services stand.
    """
    services = tuple(
        FeatureServiceSpec(
            name=each["name"],
            description=each["description"],
            owner=each["owner"],
            family=each["tags"].get("family", ""),
            views=tuple(each["views"]),
            features=tuple(each["features"]),
        )
        for each in manifest["services"]
    )
    views = [_view(each, services, models.get(each.get("model", ""), {})) for each in (*manifest["views"], *manifest["on_demand_views"])]
    folders = sorted(path.parent.name for path in (root / SERVICES).glob("*/service.py"))
    return Catalogue(tuple(views), services, tuple(folders), lineage)


def _view(said: Mapping[str, Any], services: tuple[FeatureServiceSpec, ...], model: Mapping[str, str]) -> View:
    return View(
        name=said["name"],
        model=said.get("model", ""),
        entity=said.get("entity", REQUEST),
        join_key=said.get("join_key", ""),
        ttl_hours=said.get("ttl_hours", 0.0),
        description=said["description"],
        owner=said["owner"],
        tags=said["tags"],
        features=tuple(Feature(said["name"], column["name"], column["type"], column["description"]) for column in said["columns"]),
        services=tuple(service.name for service in services if said["name"] in service.views),
        grain=model.get("description", ""),
        sql=model.get("path", ""),
        inputs=tuple(said.get("inputs", ())),
        request=tuple(field["name"] for field in said.get("request", ())),
    )


def _generated(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StateError(f"{path}: the generated file can't be read ({error}); `make docs` writes it anew") from error
