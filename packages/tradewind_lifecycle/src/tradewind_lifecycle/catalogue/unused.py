"""What nobody uses, and what a person does to remove it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tradewind_lifecycle.catalogue.declared import ROOT, Catalogue, Feature, View
from tradewind_lifecycle.catalogue.mentions import Mention, declaration, mentions, named_in_code, schema_entry
from tradewind_lifecycle.catalogue.models import ModelVersion

ANOTHER_BUILD = (
    "`make run` publishes without it and takes it out of Feast's registry and the online store; its files go with the publication after"
)


@dataclass(frozen=True)
class Step:
    """One thing that a person does, and where (``path:line``)."""

    what: str
    where: tuple[str, ...] = ()


@dataclass(frozen=True)
class Removal:
    """A view or feature that nobody uses: why that is said, and the steps that remove it.

    ``needed_by``: models that were trained with it and that an alias still names: until it moves, the old definition is kept for them.
    """

    name: str
    why: str
    needed_by: tuple[str, ...]
    steps: tuple[Step, ...]


def unused_views(catalogue: Catalogue, versions: Sequence[ModelVersion], root: Path = ROOT) -> list[View]:
    """The views that no living model reads and that nothing which is read is made of.

    A feature service counts as read while no model at all is registered, and from then on if a living version reads it.
    """
    read = {version.feature_service for version in versions if version.is_living}
    if not versions:
        read = {service.name for service in catalogue.services}
    used = {view.name for view in catalogue.views if read & set(view.services)}
    used |= {name for view in catalogue.views if view.name in used for name in view.inputs}
    used |= {view.name for view in catalogue.views for feature in view.features if named_in_code(feature, root)}
    return [view for view in catalogue.views if view.name not in used]


def unused_features(catalogue: Catalogue, versions: Sequence[ModelVersion], root: Path = ROOT) -> list[Feature]:
    """The features that a feature service offers and no living model takes, of which no on-demand view is made and that no code names.

    None while no model lives: then nobody has chosen yet.
    """
    taken = {column for version in versions if version.is_living for column in version.importance}
    if not any(version.is_living for version in versions):
        return []
    offered = [feature for view in catalogue.views if view.services for feature in view.features]
    return [
        feature for feature in offered if feature.column not in taken and not feeds(catalogue, feature) and not named_in_code(feature, root)
    ]


def removals(catalogue: Catalogue, versions: Sequence[ModelVersion], root: Path = ROOT) -> list[Removal]:
    """What nobody uses, views first, each with the steps that remove it."""
    living = [version for version in versions if version.is_living]
    views = [_view_removal(view, living, root) for view in unused_views(catalogue, versions, root)]
    return views + [_feature_removal(catalogue, feature, living, root) for feature in unused_features(catalogue, versions, root)]


def feeds(catalogue: Catalogue, feature: Feature) -> list[str]:
    """The features of on-demand views that ``feature`` is an input of."""
    node = f"{catalogue.view(feature.view).table}.{feature.name}"
    if node not in catalogue.lineage.nodes:
        return []
    below = catalogue.lineage.downstream(node)
    return [
        other.reference for view in catalogue.views if view.is_on_demand for other in view.features if f"{view.table}.{other.name}" in below
    ]


def _view_removal(view: View, living: Iterable[ModelVersion], root: Path) -> Removal:
    services = f"feature service {', '.join(view.services)} is read by no living model" if view.services else "no feature service takes it"
    declared, entry = declaration(view, root), schema_entry(view, root)
    named = mentions({view.name, view.model or view.name}, root)
    steps = []
    if view.services:
        steps.append(Step("take it out of its feature services, or remove those", _within(named, "feature_repo/services.py")))
    if declared is not None:
        steps.append(Step("delete its declaration, and its name among VIEWS below", (str(declared),)))
    if view.sql:
        entries = () if entry is None else (str(entry),)
        elsewhere = _within(named, "dbt/", without=[entry], but=view.sql)
        steps.append(Step("delete its dbt model, its entry beside it, and where else dbt names it", (view.sql, *entries, *elsewhere)))
    others = [found for found in named if not found.path.startswith(("feature_repo/", "dbt/"))]
    if others:
        steps.append(Step("look at what else names it", tuple(map(str, others))))
    steps.append(Step(f"`make docs check test`, then {ANOTHER_BUILD}"))
    return Removal(view.name, f"{services}, and no code names its features", _needed(view, living), tuple(steps))


def _feature_removal(catalogue: Catalogue, feature: Feature, living: Sequence[ModelVersion], root: Path) -> Removal:
    view = catalogue.view(feature.view)
    declared, entry = declaration(view, root), schema_entry(view, root)
    places = [found for block in (declared, entry) if block for found in mentions({feature.name}, root) if found.is_in(block)]
    # The function that computes an on-demand feature names it too.
    sql = [found for found in mentions({feature.name}, root) if found.path == view.sql or (not view.sql and "/transforms/" in found.path)]
    steps = (
        Step("delete its field and its column", tuple(map(str, [*places, *sql]))),
        Step(
            "`make docs check test`, then `make run`: the view's definition is another, and the models that were trained with the old one keep it until their alias moves"
        ),
    )
    readers = ", ".join(sorted({version.reference for version in living if version.feature_service in view.services}))
    why = f"{', '.join(view.services)} offers it, no living model takes it{f' ({readers})' if readers else ''}, and no code names it"
    return Removal(feature.reference, why, _needed(view, living), steps)


def _needed(view: View, living: Iterable[ModelVersion]) -> tuple[str, ...]:
    return tuple(version.title for version in living if view.name in version.view_specs)


def _within(found: Iterable[Mention], start: str, *, without: Iterable[Mention | None] = (), but: str = "") -> tuple[str, ...]:
    """The mentions in files whose path begins with ``start``, but those in the blocks ``without`` and in the file ``but``."""
    blocks = [block for block in without if block is not None]
    kept = (each for each in found if each.path.startswith(start) and each.path != but and not any(map(each.is_in, blocks)))
    return tuple(map(str, kept))
