"""Where each column comes from, from features back to the landing tables: read from the SQL that dbt compiled.

Nodes are named ``<schema>.<table>.<column>``: ``landing.orders.promised_at``, ``marts.fct_parcels.is_late``,
``features.ftr_merchant__handling_90d.late_hand_over_share_90d``. The column ``*`` stands for which rows a table has.
"""

import enum
import functools
import graphlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_lifecycle.lineage.queries import query_lineage
from tradewind_lifecycle.lineage.relations import ROWS, Origin, Relation, base_relation, merged
from tradewind_lifecycle.lineage.syntax import parsed

LANDING = "landing"
"""The schema of the tables that nothing is upstream of."""


class Use(enum.IntEnum):
    """How a column reaches another one; the greater, the nearer. Along a way the least counts, of several ways the greatest."""

    ROWS = 1
    """It decides for which entities and days there is a row, and nothing of the value."""
    CONDITION = 2
    """It filters, joins, groups or orders what the value is made of."""
    VALUE = 3
    """It enters the value."""


@dataclass(frozen=True)
class ColumnGraph:
    """Columns and what each is made of: ``inputs[column][source]`` is how the source is used, of one model's SQL."""

    inputs: Mapping[str, Mapping[str, Use]]

    def upstream(self, column: str) -> dict[str, Use]:
        """All that ``column`` is made of, back to the landing tables, itself left out, by name.

        Raises:
            NotFoundError: no such column.
        """
        return _reached(self.inputs, self._known(column))

    def downstream(self, column: str) -> dict[str, Use]:
        """All that is made of ``column``, itself left out, by name.

        Raises:
            NotFoundError: no such column.
        """
        return _reached(self._outputs, self._known(column))

    def sources(self, column: str) -> dict[str, Use]:
        """The columns of landing tables (and of requests) that ``column`` is made of.

        Raises:
            NotFoundError: no such column.
        """
        return {name: use for name, use in self.upstream(column).items() if not self.inputs.get(name)}

    def columns_of(self, table: str) -> list[str]:
        """The columns of a table (``<schema>.<table>``), without the one that stands for its rows, in order."""
        return [name for name in self.nodes if name.rpartition(".")[0] == table and not name.endswith(f".{ROWS}")]

    @functools.cached_property
    def nodes(self) -> dict[str, None]:
        """Every column that there is, tables together."""
        return dict.fromkeys([*self.inputs, *sorted({source for made_of in self.inputs.values() for source in made_of} - set(self.inputs))])

    def extended(self, inputs: Mapping[str, Mapping[str, Use]]) -> "ColumnGraph":
        """The graph with further columns, such as those of on-demand views."""
        return ColumnGraph({**self.inputs, **inputs})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: table → column → kind of use → source columns."""
        tables: dict[str, Any] = {}
        for name, made_of in self.inputs.items():
            table, _, column = name.rpartition(".")
            by_use = {use.name.lower(): sorted(s for s, how in made_of.items() if how is use) for use in reversed(Use)}
            tables.setdefault(table, {})[column] = {use: found for use, found in by_use.items() if found}
        return tables

    @classmethod
    def from_json(cls, tables: Mapping[str, Any]) -> "ColumnGraph":
        """What :meth:`to_json` gave."""
        return cls(
            {
                f"{table}.{column}": {source: Use[use.upper()] for use, sources in by_use.items() for source in sources}
                for table, columns in tables.items()
                for column, by_use in columns.items()
            }
        )

    @functools.cached_property
    def _outputs(self) -> dict[str, dict[str, Use]]:
        found: dict[str, dict[str, Use]] = {name: {} for name in self.nodes}
        for name, made_of in self.inputs.items():
            for source, use in made_of.items():
                found[source][name] = use
        return found

    def _known(self, column: str) -> str:
        if column in self.nodes:
            return column
        table = column.rpartition(".")[0]
        there = self.columns_of(table) or sorted({name.rpartition(".")[0] for name in self.nodes})
        raise NotFoundError(f"lineage knows no column {column!r} (there are: {', '.join(there[:40])})")


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


def _reached(steps: Mapping[str, Mapping[str, Use]], start: str) -> dict[str, Use]:
    """Every node that ``steps`` lead to, with the least use along a way, and the greatest over all ways."""
    reached: dict[str, Use] = {}
    for least in reversed(Use):
        # With ways of at least this use: what is found first is found by the best.
        waiting = [start]
        seen = {start}
        while waiting:
            for node, use in steps.get(waiting.pop(), {}).items():
                if use >= least and node not in seen:
                    seen.add(node)
                    reached.setdefault(node, least)
                    waiting.append(node)
    return dict(sorted((name, use) for name, use in reached.items() if name != start))
