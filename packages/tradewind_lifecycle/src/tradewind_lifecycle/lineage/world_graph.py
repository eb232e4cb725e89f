"""The graph of the columns of one world, and where it was read from: kept under the world for the SQL that it is of.

A graph is a function of dbt's project, of the source whose staging it goes through, and of the code that reads it; from one run to the
next these stay, so that whoever asks waits once.
"""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle import builds, reuse
from tradewind_lifecycle.catalogue.declared import COLUMN_LINEAGE, ROOT, Catalogue, read_catalogue
from tradewind_lifecycle.lineage.columns import lineage
from tradewind_lifecycle.lineage.compiling import compiled_manifest
from tradewind_lifecycle.lineage.graph import ColumnGraph, Use
from tradewind_lifecycle.provenance import code_digest
from tradewind_lifecycle.warehouse import Half

FOLDER = "lineage"
"""Under the world: what was read, each with the digest of what it is a function of."""

HALVES: tuple[Half, ...] = ("marts", "features")


@dataclass(frozen=True)
class WorldGraph:
    """The graph of a world's columns, those of on-demand views too; ``said`` tells in a sentence where it was read from.

    ``is_of_world``: it goes through the staging of the world's own source.
    """

    catalogue: Catalogue
    graph: ColumnGraph
    said: str
    is_of_world: bool = True


def world_graph(settings: Settings, say: Callable[[str], None] = lambda _: None, *, may_compile: bool = True) -> WorldGraph:
    """The graph of the world that ``settings`` mean: as kept, else from what dbt compiled as it was built, else compiled anew (8 s).

    Where no such world has landed: the graph that is generated beside the code, which goes through the default source's staging.
    Without ``may_compile`` that one is given too, rather than to wait; the tables from landing on are the same.

    Raises:
        StateError: a generated file is damaged, or dbt can't compile its project.
        IntegrityError: a model's SQL can't be followed; names it.
    """
    declared = read_catalogue()
    if not settings.paths.world_file.exists():
        said = f"world {settings.world_name} has not landed: columns are those of the SQL in the checkout, as `make docs` read it"
        return WorldGraph(declared, declared.lineage, said, is_of_world=False)
    source = World.read(settings.paths.world_file).source
    path, key = settings.paths.world / FOLDER / "columns.json", graph_key(source)
    before = kept(path, key)
    if before is not None:
        return _of(declared, ColumnGraph.from_json(before), f"columns as dbt compiles them for world {settings.world_name}")
    built = _as_built(settings)
    if built is None and not may_compile:
        said = "columns are those of the SQL in the checkout, as `make docs` read it"
        return WorldGraph(declared, declared.lineage, said, is_of_world=False)
    if built is None:
        say(f"world {settings.world_name} was not built whole from this dbt project: compiling it once, 8 s")
        built = lineage(compiled_manifest(source))
    graph = built.extended(_on_demand(declared))
    keep(path, key, graph.to_json())
    return _of(declared, graph, f"columns as dbt compiles them for world {settings.world_name}")


def compiled_so_far(settings: Settings) -> ColumnGraph:
    """The graph of the models that dbt compiled in the world up to now, in the midst of a run; empty where nothing can be followed.

    A half that was not built yet is not in it; nor is anything after a build that only added to incremental models.
    """
    target = settings.paths.dbt_target
    try:
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        compiled = target / "compiled" / manifest["metadata"]["project_name"]
        nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
        there = {key: node for key, node in nodes.items() if node.get("compiled_code") or (compiled / node["original_file_path"]).is_file()}
        return lineage({**manifest, "nodes": there}, compiled)
    except (OSError, ValueError, KeyError, StateError, IntegrityError):
        return ColumnGraph({})


def _of(declared: Catalogue, graph: ColumnGraph, said: str) -> WorldGraph:
    return WorldGraph(Catalogue(declared.views, declared.services, declared.product_services, graph), graph, said)


def graph_key(source: str) -> str:
    """The digest of all that the graph of a world is a function of, which ``source`` fills."""
    return digest_json(
        {
            "dbt": builds.dbt_project_digest(),
            "source": source,
            "code": code_digest(Path(__file__).resolve().parent),
            "on_demand": digest_file(ROOT / COLUMN_LINEAGE),
            "sqlglot": installed_version("sqlglot"),
        }
    )


def kept(path: Path, key: str) -> Any | None:
    """What was kept in ``path`` for ``key``; None where that is something else, or can't be read: then it is read anew from its sources."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return said["found"] if said["of"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(path: Path, key: str, found: object) -> None:
    """Keep ``found`` for ``key``, in place of what was kept. In a home that is only read, nothing is."""
    with contextlib.suppress(StateError):
        write_text(path, json.dumps({"of": key, "found": found}) + "\n")


def _on_demand(declared: Catalogue) -> dict[str, Any]:
    """The columns of on-demand views, whose Python no SQL tells of: as generated, held fresh by a contract test."""
    tables = {view.table for view in declared.views if view.is_on_demand}
    found: dict[str, dict[str, Use]] = {
        name: dict(made_of) for name, made_of in declared.lineage.inputs.items() if name.rpartition(".")[0] in tables
    }
    return found


def _as_built(settings: Settings) -> ColumnGraph | None:
    """The graph of what dbt compiled for the newest build; None where that was of another project, or of a part of the rows."""
    target = settings.paths.dbt_target
    try:
        key = reuse.build_key(settings)
        if any(reuse.noted_build(half, settings) != key for half in HALVES):
            return None
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        project = manifest["metadata"]["project_name"]
        if not _was_built_whole(manifest, target / "run" / project):
            return None
        return lineage(manifest, target / "compiled" / project)
    except (OSError, ValueError, KeyError, StateError, IntegrityError):
        # Whatever is not there or not to be followed, the project compiled anew tells, or says why it can't.
        return None


def _was_built_whole(manifest: dict[str, Any], ran: Path) -> bool:
    """Whether no incremental model was only added to: then its SQL has conditions that say nothing of the model."""
    models = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    files = [ran / node["original_file_path"] for node in models if node["config"]["materialized"] == "incremental"]
    return all("delete from" not in path.read_text(encoding="utf-8").lower() for path in files)
