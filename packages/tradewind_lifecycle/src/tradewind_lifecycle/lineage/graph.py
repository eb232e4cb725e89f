"""The graph of columns: what each is made of, and what is made of it. Light to import: reading a written graph needs no SQL.

Nodes are named ``<schema>.<table>.<column>``: ``landing.orders.promised_at``, ``marts.fct_parcels.is_late``,
``features.ftr_merchant__handling_90d.late_hand_over_share_90d``. The column ``*`` stands for which rows a table has.
"""

import enum
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradewind_contracts.errors import NotFoundError

LANDING = "landing"
"""The schema of the tables that nothing is upstream of."""
REQUEST = "request"
"""The schema of what a caller says: ``request.<source>.<field>``."""
ROWS = "*"
"""As a column's name: which rows the table has."""


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
        return _reached(self.outputs, self._known(column))

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
    def outputs(self) -> Mapping[str, Mapping[str, Use]]:
        """``outputs[source][column]``: the same steps, the other way round."""
        found: dict[str, dict[str, Use]] = {name: {} for name in self.nodes}
        for name, made_of in self.inputs.items():
            for source, use in made_of.items():
                found[source][name] = use
        return found

    @functools.cached_property
    def tables(self) -> list[str]:
        """Every table that there is (``<schema>.<table>``), by name."""
        return sorted({name.rpartition(".")[0] for name in self.nodes})

    def _known(self, column: str) -> str:
        if column in self.nodes:
            return column
        table = column.rpartition(".")[0]
        there = self.columns_of(table) or sorted({name.rpartition(".")[0] for name in self.nodes})
        raise NotFoundError(f"lineage knows no column {column!r} (there are: {', '.join(there[:40])})")


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
