"""The lineage of dbt's models: the graph of every column, from features back to the landing tables, read from the SQL that dbt compiled."""

import functools
import graphlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlglot import exp

from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_lifecycle.lineage.graph import ROWS, ColumnGraph, Use
from tradewind_lifecycle.lineage.queries import query_lineage
from tradewind_lifecycle.lineage.relations import Origin, Relation, base_relation, merged
from tradewind_lifecycle.lineage.syntax import parsed


def lineage(manifest: Mapping[str, Any], compiled: Path | None = None) -> ColumnGraph:
    """The graph of every column of dbt's models, from the SQL in ``manifest`` (dbt's, as `dbt compile` writes it).

    ``compiled`` is the folder with the compiled files (``<target>/compiled/<project>``), for models whose SQL a manifest leaves out
    as a partial build's does.

    Raises:
        StateError: the compiled SQL of a model is in neither.
        IntegrityError: a model's SQL names what is not there, or can't be followed; names the model.
    """
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    read: dict[str, Relation] = {}
    for node in manifest["sources"].values():
        read[f"{node['schema']}.{node['name']}"] = base_relation(f"{node['schema']}.{node['name']}", node["columns"])
    inputs: dict[str, dict[str, Use]] = {
        f"{table}.{column}": {} for table, base in sorted(read.items()) for column in (*base.columns, ROWS)
    }
    for key in _in_order(models):
        node = models[key]
        name = f"{node['schema']}.{node['name']}"
        try:
            found = query_lineage(parsed(_sql(node, compiled)), functools.partial(_relation, read)).as_one()
        except IntegrityError as error:
            raise IntegrityError(f"dbt model {node['name']} ({node['original_file_path']}): {error}") from error
        inputs |= dict(_edges(name, found))
        read[name] = base_relation(name, found.columns, node["config"].get("meta", {}).get("primary_key", ()))
    return ColumnGraph(inputs)


def _in_order(models: Mapping[str, Any]) -> Iterator[str]:
    """The models, each after those that it reads; in an order that does not depend on the manifest's."""
    sorter = graphlib.TopologicalSorter({key: sorted(models[key]["depends_on"]["nodes"]) for key in sorted(models)})
    return (key for key in sorter.static_order() if key in models)


def _sql(node: Mapping[str, Any], compiled: Path | None) -> str:
    if node.get("compiled_code"):
        return str(node["compiled_code"])
    path = compiled / str(node["original_file_path"]) if compiled is not None else None
    if path is None or not path.is_file():
        raise StateError(
            f"dbt model {node['name']}: its compiled SQL is not there ({path or 'not in the manifest'}); `dbt compile` makes it"
        )
    return path.read_text(encoding="utf-8")


def _relation(read: Mapping[str, Relation], table: exp.Table) -> Relation:
    name = f"{table.db}.{table.name}"
    if name not in read:
        raise IntegrityError(f"reads {name}, which is neither a source nor a model before it")
    return read[name]


def _edges(table: str, found: Relation) -> Iterator[tuple[str, dict[str, Use]]]:
    rows = f"{table}.{ROWS}"
    for name, traced in found.columns.items():
        origin: Origin = merged(traced.values())
        made_of = (
            {rows: Use.ROWS} | dict.fromkeys(_names(origin.conditions), Use.CONDITION) | dict.fromkeys(_names(origin.values), Use.VALUE)
        )
        yield f"{table}.{name}", made_of
    yield rows, dict.fromkeys(_names(found.all_rows()), Use.CONDITION)


def _names(sources: Iterable[tuple[str, str]]) -> list[str]:
    return sorted(f"{table}.{column}" for table, column in sources)
