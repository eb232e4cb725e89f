"""Impact: what would notice if a column, a table, a view or a feature changed. Computed from graphs and rows, nothing is kept by hand."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from tradewind_contracts.settings import Settings
from tradewind_lifecycle.catalogue.declared import Catalogue, View
from tradewind_lifecycle.labels import TABLE as LABELS
from tradewind_lifecycle.lineage.consumers import Consumer, consumers, fields_of
from tradewind_lifecycle.lineage.definitions import RegisteredViews, registered_views
from tradewind_lifecycle.lineage.graph import LANDING, REQUEST, ROWS, Use
from tradewind_lifecycle.lineage.names import Asked, asked
from tradewind_lifecycle.lineage.noticed import (
    HOWS,
    Impact,
    NoticedColumn,
    NoticedInput,
    NoticedReader,
    NoticedService,
    NoticedTable,
    NoticedVersion,
    NoticedView,
    how,
    strongest,
)
from tradewind_lifecycle.lineage.ways import Ways, downstream
from tradewind_lifecycle.lineage.world_graph import WorldGraph, world_graph
from tradewind_registry import CHAMPION

BETWEEN = ("staging", "intermediate", "marts", "features", "labels")
"""The schemas of dbt's tables, in the order of the data's way."""
LABEL_TABLE = f"labels.{LABELS}"
"""Whose rows every training set begins with: the one table of outcomes that lifecycle reads."""
OUTCOMES = ("handed_over_at", "outcome_at", "duration_days", "observed_until_at")
"""The columns of the label's table that say what happened: those that ``labels.known_at`` cuts."""
_Named = TypeVar("_Named", NoticedTable, NoticedView)


def impact(name: str, settings: Settings, say: Callable[[str], None] = lambda _: None) -> Impact:
    """What would notice if ``name`` changed: tables, features, models of every world, and what follows the models of the settings' world.

    Raises:
        NotFoundError: nothing is called so; says what is near.
        StateError: the registry or a generated file can't be read.
        IntegrityError: a dbt model's SQL can't be followed.
    """
    world = world_graph(settings, say)
    known = consumers(settings)
    versions = known.versions if known is not None else ()
    what = asked(name, world.catalogue, world.graph, fields_of(versions))
    registered = registered_views(settings) if any(version.aliases for version in versions) else None
    found = impact_of(what, world, versions, registered, settings.world_name)
    if known is None:
        note = "no model registry here yet: nothing is known of models, services and nightly tables; `make run` makes it"
        return found.model_copy(update={"notes": (*found.notes, note)})
    if known.unread:
        note = f"{known.unread:,} older versions without an alias were not looked at"
        return found.model_copy(update={"notes": (*found.notes, note)})
    return found


def impact_of(what: Asked, world: WorldGraph, versions: Iterable[Consumer], registered: RegisteredViews | None, world_name: str) -> Impact:
    """The impact of ``what``, of a graph and versions that were read already."""
    ways = downstream(world.graph, what.columns)
    fields = {what.name.rpartition(".")[2]} if what.kind == "field of a request" else set()
    views = [seen for view in world.catalogue.views if (seen := _view(view, ways)) is not None]
    every = [noticed for each in versions if (noticed := _version(each, world.catalogue, ways, fields, registered)) is not None]
    living = sorted((version for version in every if version.aliases), key=lambda version: version.world != world_name)
    sets: dict[str, dict[str, None]] = {}
    for version in every:
        sets.setdefault(version.world, {})[version.training_set] = None
    champions = [version for version in living if CHAMPION in version.aliases and version.world == world_name]
    return Impact(
        asked=what.name,
        kind=what.kind,
        world=world_name,
        tables=tuple(_tables(ways)),
        views=tuple(_by_how(views)),
        feature_services=tuple(_feature_services(world.catalogue, views)),
        versions=tuple(living),
        others=dict(Counter(version.world for version in every if not version.aliases)),
        training_sets={name: tuple(digests) for name, digests in sorted(sets.items())},
        services=tuple(_reader(_model(v), v) for v in champions if _model(v) in world.catalogue.product_services),
        nightly=tuple(_reader(f"scores/{_model(v)}_nightly", v) for v in champions),
        said=world.said,
        notes=tuple([*_definition_notes(living), *(_namesakes(what, world) if not (views or every) else [])]),
    )


def _tables(ways: Ways) -> list[NoticedTable]:
    tables: dict[str, list[NoticedColumn]] = {}
    for node, use in ways.uses.items():
        table = node.rpartition(".")[0]
        if table.split(".")[0] in BETWEEN:
            tables.setdefault(table, []).append(NoticedColumn(name=node, how=how(use), way=ways.way(node)))
    found = [
        NoticedTable(name=table, how=strongest([column.how for column in columns]), columns=tuple(sorted(columns, key=lambda c: c.name)))
        for table, columns in tables.items()
    ]
    return sorted(found, key=lambda table: (BETWEEN.index(table.name.split(".")[0]), table.name))


def _view(view: View, ways: Ways) -> NoticedView | None:
    nodes = {feature.reference: f"{view.table}.{feature.name}" for feature in view.features}
    features = [
        NoticedColumn(name=reference, how=how(use), way=ways.way(node))
        for reference, node in nodes.items()
        if (use := ways.use(node)) is not None
    ]
    if not features:
        return None
    strong = strongest([feature.how for feature in features])
    return NoticedView(name=view.name, how=strong, features=tuple(features), features_count=len(view.features))


def _by_how(found: Iterable[_Named]) -> list[_Named]:
    return sorted(found, key=lambda each: (HOWS.index(each.how), each.name))


def _feature_services(catalogue: Catalogue, views: Iterable[NoticedView]) -> list[NoticedService]:
    reached = {feature.name: feature.how for view in views for feature in view.features}
    found = []
    for service in catalogue.services:
        own = {reference: reached[reference] for reference in service.features if reference in reached}
        if own:
            found.append(NoticedService(name=service.name, how=strongest(list(own.values())), features=tuple(own)))
    return found


def _version(
    version: Consumer, catalogue: Catalogue, ways: Ways, fields: set[str], registered: RegisteredViews | None
) -> NoticedVersion | None:
    features = [*_features(version, catalogue, ways), *_fields(version, ways, fields)]
    label = _label_columns(ways, OUTCOMES)
    rows = _label_columns(ways, [ROWS])
    taken = {*OUTCOMES, ROWS, *version.fields}
    columns = [node.rpartition(".")[2] for node in (*ways.starts, *ways.uses) if node.rpartition(".")[0] == LABEL_TABLE]
    others = [*_label_columns(ways, [column for column in dict.fromkeys(columns) if column not in taken]), *rows]
    if not (features or label or others):
        return None
    differing = registered.other_definitions(version.view_specs) if registered is not None and version.aliases else {}
    return NoticedVersion(
        reference=version.reference,
        world=version.world,
        aliases=version.aliases,
        how=strongest([found.how for found in (*features, *label, *others)]),
        features=tuple(sorted(features, key=lambda feature: -(feature.importance or 0.0))),
        label=tuple(label),
        others=tuple(others),
        training_set=version.training_set,
        other_definitions=differing,
    )


def _features(version: Consumer, catalogue: Catalogue, ways: Ways) -> list[NoticedInput]:
    """Features of its feature service, also those that its vector leaves out: keys and places are looked up by them."""
    offered = next((service.features for service in catalogue.services if service.name == version.feature_service), ())
    columns = dict.fromkeys([*(reference.replace(":", "__") for reference in offered), *(c for c in version.importance if "__" in c)])
    views = {view.name: view for view in catalogue.views}
    found = []
    for column in columns:
        view, _, feature = column.partition("__")
        use = _feature_use(catalogue, ways, views[view], feature) if view in views else None
        if use is not None:
            found.append(NoticedInput(column=column, how=how(use), importance=version.importance.get(column)))
    return found


def _feature_use(catalogue: Catalogue, ways: Ways, view: View, feature: str) -> Use | None:
    """How a feature would notice; one computed of a request also by the columns of the label's table that training asks it with."""
    node = f"{view.table}.{feature}"
    found = [use for use in [ways.use(node)] if use is not None]
    if view.is_on_demand:
        for source, own in catalogue.lineage.inputs.get(node, {}).items():
            said = ways.use(f"{LABEL_TABLE}.{source.rpartition('.')[2]}") if source.startswith(f"{REQUEST}.") else None
            if said is not None and said is not Use.ROWS:
                found.append(min(own, said))
    return max(found, default=None)


def _fields(version: Consumer, ways: Ways, fields: set[str]) -> list[NoticedInput]:
    """What a caller gives and the vector takes as it is: in training rows it stands in the label's table."""
    found = []
    for field in version.fields:
        use = Use.VALUE if field in fields else ways.use(f"{LABEL_TABLE}.{field}")
        if use is not None and use is not Use.ROWS:
            found.append(NoticedInput(column=field, how=how(use), importance=version.importance[field]))
    return found


def _label_columns(ways: Ways, columns: Iterable[str]) -> list[NoticedInput]:
    uses = {column: ways.use(f"{LABEL_TABLE}.{column}") for column in columns}
    # That a row is there or not is told once, of the table's rows.
    return [NoticedInput(column=c, how=how(use)) for c, use in uses.items() if use is not None and (use is not Use.ROWS or c == ROWS)]


def _model(version: NoticedVersion) -> str:
    return version.reference.partition("@")[0]


def _reader(name: str, version: NoticedVersion) -> NoticedReader:
    return NoticedReader(name=name, world=version.world, version=version.reference, how=version.how)


def _namesakes(what: Asked, world: WorldGraph) -> list[str]:
    """Where only a table between notices: landing columns of the same name elsewhere, which were perhaps meant."""
    column = what.name.rpartition(".")[2]
    others = [node for node in world.graph.nodes if node.startswith(f"{LANDING}.") and node.endswith(f".{column}") and node != what.name]
    return [f"no feature and no model is made of it; {', '.join(others)} has the same name"] if what.kind == "column" and others else []


def _definition_notes(living: Iterable[NoticedVersion]) -> list[str]:
    found = []
    for version in living:
        if version.other_definitions:
            views = ", ".join(f"{view} ({kept or 'not kept'})" for view, kept in version.other_definitions.items())
            found.append(
                f"{version.reference} was trained on other definitions of {views}: the lineage shown is that of today's SQL; "
                f"`tradewind features versions` tells of them"
            )
    return found
