"""The lineage of a version: what it was made of, back to the files that landed, and what follows it; read from graphs, manifests and rows."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.instants import iso
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.catalogue.declared import Feature, View
from tradewind_lifecycle.lineage.definitions import RegisteredViews, registered_views
from tradewind_lifecycle.lineage.graph import LANDING, REQUEST, ROWS, Use
from tradewind_lifecycle.lineage.impact import LABEL_TABLE, OUTCOMES
from tradewind_lifecycle.lineage.noticed import How, how
from tradewind_lifecycle.lineage.things import LANDED, Fact, Lineage, Link, Thing
from tradewind_lifecycle.lineage.world_graph import WorldGraph, world_graph
from tradewind_registry import CHAMPION, RegistryClient, Version, latest_verdicts, main_metric

PARTS = {
    "what happened": "the outcome",
    "what a caller says": "vector columns of the request",
    "keys and the rest": "joins, weights, baselines",
}
"""Of the label's table: what its columns are to a model."""


@dataclass
class _Draft:
    """Things and links as they are gathered; the first that is said of a thing counts."""

    things: dict[str, Thing] = field(default_factory=dict)
    links: dict[tuple[str, str], Link] = field(default_factory=dict)

    def add(self, kind: str, name: str, made: str | None = None, use: How | None = None, /, **facts: Fact) -> str:
        """A thing, and that ``made`` is made of it; its id."""
        found = f"{kind.replace(' ', '_')}:{name}"
        self.things.setdefault(found, Thing(id=found, kind=kind, name=name, facts=facts))
        if made is not None:
            self.link(found, made, use)
        return found

    def link(self, source: str, target: str, use: How | None = None) -> None:
        """``target`` is made of ``source``."""
        self.links.setdefault((source, target), Link(source=source, target=target, how=use))


def lineage_of(reference: str, settings: Settings, say: Callable[[str], None] = lambda _: None, *, may_compile: bool = True) -> Lineage:
    """The lineage of the version that ``reference`` names (``eta@7``, ``eta@champion``), in the world that it was made in.

    Without ``may_compile`` nobody waits for dbt: where the graph of the world's columns is not known, that of the checkout is given.

    Raises:
        StateError: there is no registry, or a generated file can't be read.
        NotFoundError: there is no such version or alias.
        IntegrityError: a dbt model's SQL can't be followed.
    """
    with RegistryClient.open(settings) as registry:
        version = registry.resolve(reference)
        verdicts = latest_verdicts(registry.verdicts(version))
        aliases = sorted(name for name, number in registry.aliases(version.model, version.world).items() if number == version.number)
    own = settings.model_copy(update={"world": version.world})
    world = world_graph(own, say, may_compile=may_compile)
    registered = registered_views(own)
    draft = _Draft()
    passed = sum(verdicts[gate].passed for gate in version.gates if gate in verdicts)
    root = draft.add("version", version.reference, **_facts(version), gates=f"{passed} of {len(version.gates)} passed")
    _making(draft, root, version, own)
    _columns(draft, world, version, registered, own)
    _followers(draft, root, version, aliases, own)
    notes = _notes(version, registered, own)
    return Lineage(
        root=root,
        world=version.world,
        things=tuple(draft.things.values()),
        links=tuple(draft.links.values()),
        said=world.said,
        notes=tuple(notes),
    )


def _facts(version: Version) -> dict[str, Fact]:
    metric = main_metric(version.metrics)
    measured: dict[str, Fact] = {metric: version.metrics[metric]} if metric else {}
    return {
        "world": version.world,
        "data": str(version.facts.get("data_kind", "")),
        "as_of": iso(version.as_of),
        "registered": iso(version.created_at),
        "by": version.created_by,
        **measured,
    }


def _making(draft: _Draft, root: str, version: Version, settings: Settings) -> None:
    """Bundle, training set, code, lock and run."""
    bundle = draft.add("bundle", version.bundle_digest[:16], root, digest=version.bundle_digest, files=len(version.bundle_files))
    draft.add("code", version.commit[:12] or "no commit", bundle, commit=version.commit, clean=version.tree_clean)
    draft.add("lock", version.lock_digest[:16], bundle, digest=version.lock_digest)
    if version.run_id:
        draft.add("dagster run", version.run_id, root, page=f"/runs/{version.run_id}")
    folder = settings.paths.training_sets / version.training_set_digest
    draft.add(
        "training set",
        version.training_set_digest[:16],
        bundle,
        digest=version.training_set_digest,
        rows=_sealed_rows(folder),
        as_of=iso(version.as_of),
        here=folder.is_dir(),
    )


def _sealed_rows(folder: Path) -> int | None:
    try:
        return int(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _columns(draft: _Draft, world: WorldGraph, version: Version, registered: RegisteredViews | None, settings: Settings) -> None:
    """The feature service with its views and features, the label, and everything that their columns are made of."""
    sealed = f"training_set:{version.training_set_digest[:16]}"
    service = draft.add("feature service", version.feature_service, sealed)
    others = registered.other_definitions(version.view_specs) if registered else {}
    nodes: dict[str, str] = {}
    declared = {view.name: view for view in world.catalogue.views}
    offered = next((each.features for each in world.catalogue.services if each.name == version.feature_service), ())
    for name, digest in version.view_specs.items():
        view = declared.get(name)
        share = sum(value for column, value in version.importance.items() if column.startswith(f"{name}__"))
        state = "today's" if name not in others else (f"kept as {others[name]}" if others[name] else "gone")
        standing = state if registered else "not known"
        added = draft.add("feature view", name, service, digest=digest, definition=standing, gain=round(share, 4))
        for feature in _of_service(view, offered):
            node = f"{view.table if view else ''}.{feature.name}"
            gain = version.importance.get(feature.column)
            nodes[node] = draft.add("feature", feature.reference, added, gain=None if gain is None else round(gain, 4))
    _label(draft, world, version, sealed, nodes)
    _made_of(draft, world, nodes)
    _landed(draft, settings)


def _of_service(view: View | None, offered: Iterable[str]) -> list[Feature]:
    return [feature for feature in view.features if feature.reference in set(offered)] if view is not None else []


def _label(draft: _Draft, world: WorldGraph, version: Version, sealed: str, nodes: dict[str, str]) -> None:
    label = draft.add("label", LABEL_TABLE, sealed)
    fields = {column for column in version.importance if "__" not in column}
    by_part: dict[str, list[str]] = {part: [] for part in PARTS}
    for node in world.graph.columns_of(LABEL_TABLE):
        column = node.rpartition(".")[2]
        part = "what happened" if column in OUTCOMES else "what a caller says" if column in fields else "keys and the rest"
        by_part[part].append(node)
    for part, columns in by_part.items():
        added = draft.add("part of the label", part, label, of=PARTS[part], columns=", ".join(node.rpartition(".")[2] for node in columns))
        for node in columns:
            gain = version.importance.get(node.rpartition(".")[2])
            nodes[node] = draft.add("column", node, added, **({} if gain is None else {"gain": round(gain, 4)}))


def _made_of(draft: _Draft, world: WorldGraph, nodes: dict[str, str]) -> None:
    """Every column that ``nodes`` (column → id of its thing) are made of, step by step."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        for source, use in world.graph.inputs.get(node, {}).items():
            if source in nodes:
                draft.link(nodes[source], nodes[node], how(use))
                continue
            nodes[source] = _column_thing(draft, source, nodes[node], use)
            waiting.append(source)


def _column_thing(draft: _Draft, node: str, made: str, use: Use) -> str:
    schema, table, column = node.split(".", 2)
    kind = "field of a request" if schema == REQUEST else "rows" if column == ROWS else "column"
    added = draft.add(kind, node, made, how(use))
    if schema == LANDING:
        draft.add(LANDED, f"{schema}.{table}", added, how(Use.VALUE))
    return added


def _landed(draft: _Draft, settings: Settings) -> None:
    """The files under the landing tables, and the archive that they were read from."""
    tables = {thing.name.partition(".")[2]: thing.id for thing in draft.things.values() if thing.kind == LANDED}
    try:
        manifest = Manifest.read(settings.paths.landing)
    except (StateError, IntegrityError):
        return
    given = str(manifest.facts.get("input_digest") or manifest.digest)
    report = manifest.facts.get("report")
    files = report.get("files", {}) if isinstance(report, dict) else {}
    for name, thing in sorted(tables.items()):
        entry = manifest.tables.get(name)
        if entry is None:
            continue
        added = draft.add("landed file", entry.path, thing, rows=entry.rows, digest=entry.digest)
        draft.add(
            "archive", given[:16], added, digest=given, files=", ".join(files) if len(files) <= _FILES_SHOWN else f"{len(files):,} files"
        )


_FILES_SHOWN = 12
"""Files of an archive that are named; chosen: Olist's eleven are, a simulator's days are not."""


def _followers(draft: _Draft, root: str, version: Version, aliases: Iterable[str], settings: Settings) -> None:
    """What follows the version: aliases and who follows those, the card, a Bento in which it is baked."""
    for name in aliases:
        alias = draft.add("alias", f"{version.model}@{name} of {version.world}")
        draft.link(root, alias)
        if name == CHAMPION:
            draft.link(alias, draft.add("service", version.model))
            draft.link(alias, draft.add("nightly scores", f"scores/{version.model}_nightly"))
    folder = settings.paths.reports / "models" / version.reference
    for card in sorted(folder.glob("card.*")):
        draft.link(root, draft.add("card", f"{version.reference}/{card.name}", path=str(card)))
    bento = _baked_in(version, settings)
    if bento:
        draft.link(root, draft.add("bento", bento, serves=version.world))


def _baked_in(version: Version, settings: Settings) -> str:
    """The tag of the Bento that this world serves, if just this version is baked in."""
    try:
        name = settings.paths.served_bento.read_text(encoding="utf-8").strip()
        note = json.loads((settings.paths.bentos / "bentos" / version.model / name / "src" / "baked" / "version.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return f"{version.model}:{name}" if note.get("number") == version.number and note.get("digest") == version.bundle_digest else ""


def _notes(version: Version, registered: RegisteredViews | None, settings: Settings) -> list[str]:
    notes = []
    if registered is None:
        notes.append(
            f"world {settings.world_name}: Feast has nothing registered here, so nobody knows if the views' definitions are today's"
        )
    elif others := registered.other_definitions(version.view_specs):
        named = ", ".join(f"{view} ({f'kept as {kept}' if kept else 'gone'})" for view, kept in others.items())
        notes.append(f"{version.reference} was trained on other definitions of {named}; below those views the columns are of today's SQL")
    return notes
