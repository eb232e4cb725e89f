"""The lineage of one query: its columns, and what decides which rows it has, from the syntax tree that sqlglot makes of it.

What the reading rests on:

* A join that is known to give at most one match for each left row (to a declared key, or ASOF) decides what it brings, not which rows there are.
* The end of `range` and `generate_series` decides how many rows there are, and no value of them.
* What a query does that is not followed here is refused by name: lineage is whole, or it is none.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from sqlglot import exp

from tradewind_contracts.errors import IntegrityError
from tradewind_lifecycle.lineage.relations import Origin, Relation, Traced, combined, merged, stacked
from tradewind_lifecycle.lineage.scopes import Scope, aligned, given, holders, join_condition, key_of, matches_key, renamed, starred
from tradewind_lifecycle.lineage.syntax import (
    aggregates,
    is_grouped,
    is_null,
    outermost,
    parts,
    unaliased,
    unread,
    windowed_function,
)

Tables = Callable[[exp.Table], Relation]
"""Gives the relation of a table that a query names; raises where it knows none."""


def query_lineage(query: exp.Expression, tables: Tables) -> Relation:
    """The lineage of ``query``; ``tables`` knows the tables that it reads.

    Raises:
        IntegrityError: a name that nothing has, or a construct whose lineage is not followed.
    """
    return _Reader(tables).query(query, {}, None)


class _Reader:
    """Reads queries; ``tables`` knows what stands outside of them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def query(self, query: exp.Expression, with_tables: Mapping[str, Relation], outer: Scope | None) -> Relation:
        known = dict(with_tables)
        clause = query.args.get("with_")
        if clause is not None:
            if clause.args.get("recursive"):
                raise unread(clause, "a recursive query")
            for table in clause.expressions:
                known[table.alias] = renamed(self.query(table.this, known, outer), table)
        if isinstance(query, exp.Subquery):
            return self.query(query.this, known, outer)
        if isinstance(query, exp.SetOperation):
            return self._set_operation(query, known, outer)
        if isinstance(query, exp.Select):
            return self._select(query, known, outer)
        if isinstance(query, exp.Table):
            return self._table(query, known)
        raise unread(query, "this kind of query")

    def _set_operation(self, query: exp.SetOperation, known: Mapping[str, Relation], outer: Scope | None) -> Relation:
        left, right = (self.query(side, known, outer) for side in (query.left, query.right))
        if isinstance(query, exp.Union):
            return stacked([left, right], by_name=bool(query.args.get("by_name")))
        compared = frozenset().union(right.all_rows(), *(o.all for traced in right.columns.values() for o in traced.values()))
        return replace(left, rows={branch: rows | compared for branch, rows in left.rows.items()})

    def _select(self, query: exp.Select, known: Mapping[str, Relation], outer: Scope | None) -> Relation:
        scope = self._from(query, known, outer)
        scope = self._filtered(scope, query.args.get("where"))
        grouped = is_grouped(query)
        keys = self._group_keys(query, scope)
        columns: dict[str, Traced] = {}
        for name, expression in self._projections(query, scope):
            traced = self._traced(expression, scope)
            if grouped and expression not in keys:
                traced = _aggregated(traced, scope, [self._traced(key, scope) for key in keys])
            columns[name] = traced or ({} if is_null(expression) else scope.relation().everywhere(Origin()))
        if grouped:
            scope = self._grouped_rows(scope, keys)
        for clause in (query.args.get("having"), query.args.get("qualify")):
            scope = self._filtered(scope, clause)
        scope = self._counted(query, scope)
        return Relation(columns, scope.rows, scope.generated, key_of(query, scope, columns, keys))

    def _from(self, query: exp.Select, known: Mapping[str, Relation], outer: Scope | None) -> Scope:
        aliases = {item.alias: item.this for item in query.expressions if isinstance(item, exp.Alias)}
        windows = {window.name: window for window in query.args.get("windows") or []}
        scope = Scope({}, {0: frozenset()}, {}, aliases, windows, frozenset(), known, outer)
        clause = query.args.get("from_")
        if clause is None:
            return scope
        name, relation = self._source(clause.this, scope)
        scope = replace(scope, sources={name: relation}, rows=relation.rows, generated=relation.generated)
        for join in [*(clause.this.args.get("joins") or []), *(query.args.get("joins") or [])]:
            scope = self._joined(scope, join)
        for lateral in query.args.get("laterals") or []:
            raise unread(lateral, "a lateral view")
        return scope

    def _source(self, item: exp.Expression, scope: Scope) -> tuple[str, Relation]:
        for modifier in ("pivots", "sample"):
            if item.args.get(modifier):
                raise unread(item, f"`{modifier}`")
        name = item.alias_or_name or f"({len(scope.sources)})"
        if isinstance(item, exp.Table):
            return name, renamed(self._table(item, scope.with_tables), item)
        if isinstance(item, exp.Subquery):
            return name, renamed(self.query(item.this, scope.with_tables, scope.outer), item)
        if isinstance(item, exp.Unnest):
            return name, self._unnested(item, scope)
        raise unread(item, "this item of a `from` clause")

    def _table(self, table: exp.Table, known: Mapping[str, Relation]) -> Relation:
        if not isinstance(table.this, exp.Identifier):
            raise unread(table, "a table function")
        return known[table.name] if not table.db and table.name in known else self._tables(table)

    def _unnested(self, item: exp.Unnest, scope: Scope) -> Relation:
        traced = combined(self._traced(part, scope) for part in item.expressions)
        origin = merged(traced.values())
        names = [column.name for column in item.args["alias"].columns] or [item.alias]
        return Relation({name: {0: origin} for name in names}, {0: frozenset()}, {0: origin.all})

    def _joined(self, scope: Scope, join: exp.Join) -> Scope:
        name, relation = self._source(join.this, scope)
        scope, relation = aligned(scope, relation)
        on = join_condition(join, scope, name)
        both = replace(scope, sources={**scope.sources, name: relation})
        matched = combined([], self._leaves(on, both), anywhere=True) if on is not None else {}
        rows, generated = dict(scope.rows), dict(scope.generated)
        sources, keeps_left = dict(scope.sources), join.side == "LEFT"
        single = keeps_left and (join.method == "ASOF" or matches_key(on, name, relation))
        for branch in rows:
            chosen = matched[branch].all if branch in matched else frozenset()
            if not single:
                rows[branch] = rows[branch] | chosen | relation.rows[branch]
                generated[branch] = generated.get(branch, frozenset()) | relation.generated.get(branch, frozenset())
        brought = {
            b: (matched[b].all if b in matched else frozenset()) | (relation.decided_by(b) if keeps_left else frozenset()) for b in rows
        }
        sources[name] = given(relation, brought)
        if join.side in ("RIGHT", "FULL"):
            lost = {b: brought[b] | relation.decided_by(b) for b in rows}
            sources |= {other: given(held, lost) for other, held in scope.sources.items()}
        if not single and not matches_key(on, name, relation):
            sources = {held: replace(of, key=None) for held, of in sources.items()}
        merged_columns = scope.merged | {column.name for column in join.args.get("using") or []}
        return replace(scope, sources=sources, rows=rows, generated=generated, merged=merged_columns)

    def _filtered(self, scope: Scope, clause: exp.Expression | None) -> Scope:
        if clause is None:
            return scope
        found = combined([], self._leaves(clause.this, scope), anywhere=True)
        return replace(scope, rows={b: rows | (found[b].all if b in found else frozenset()) for b, rows in scope.rows.items()})

    def _leaves(self, expression: exp.Expression, scope: Scope) -> list[Traced]:
        """What a predicate looks at, each part for itself: a part that a branch lacks doesn't hide the others."""
        return [self._traced(part, scope) for part in outermost(expression, (exp.Column, exp.Query, exp.Window))]

    def _group_keys(self, query: exp.Select, scope: Scope) -> list[exp.Expression]:
        group = query.args.get("group")
        if group is None:
            return []
        if group.args.get("all"):
            return [unaliased(item) for item in query.expressions if not aggregates(item)]
        keys = [*group.expressions]
        for kind in ("grouping_sets", "rollup", "cube"):
            for part in group.args.get(kind) or []:
                keys += [column for column in part.find_all(exp.Column)]
        return [self._key(key, query, scope) for key in keys]

    def _key(self, key: exp.Expression, query: exp.Select, scope: Scope) -> exp.Expression:
        if isinstance(key, exp.Literal) and not key.is_string:
            return unaliased(query.expressions[int(key.this) - 1])
        if isinstance(key, exp.Column) and not key.table and key.name in scope.aliases and not holders(scope, key.name):
            return scope.aliases[key.name]
        return key

    def _grouped_rows(self, scope: Scope, keys: list[exp.Expression]) -> Scope:
        if not keys:
            # An aggregate of everything is one row, whatever there was.
            return replace(scope, rows=dict.fromkeys(scope.rows, frozenset()), generated={})
        found = combined([], [self._traced(key, scope) for key in keys], anywhere=True)
        return replace(scope, rows={b: rows | (found[b].all if b in found else frozenset()) for b, rows in scope.rows.items()})

    def _counted(self, query: exp.Select, scope: Scope) -> Scope:
        """What else decides how many rows there are: `distinct on`, `limit` by an order, and `unnest` among the columns."""
        distinct, limit, order = (query.args.get(name) for name in ("distinct", "limit", "order"))
        deciding: list[exp.Expression] = []
        if distinct is not None and distinct.args.get("on") is not None:
            deciding += [*distinct.args["on"].expressions, *(order.expressions if order else [])]
        if (limit is not None or query.args.get("offset") is not None) and order:
            deciding += order.expressions
        rows, generated = dict(scope.rows), dict(scope.generated)
        for part in deciding:
            for branch, origin in combined([], self._leaves(part, scope), anywhere=True).items():
                rows[branch] |= origin.all
        for item in query.expressions:
            for call in item.find_all(exp.Explode):
                for branch, origin in combined([], self._leaves(call.this, scope), anywhere=True).items():
                    generated[branch] = generated.get(branch, frozenset()) | origin.all
        return replace(scope, rows=rows, generated=generated)

    def _projections(self, query: exp.Select, scope: Scope) -> Iterable[tuple[str, exp.Expression]]:
        for item in query.expressions:
            if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
                star = item if isinstance(item, exp.Star) else item.this
                yield from starred(star, item.table if isinstance(item, exp.Column) else "", scope)
            elif isinstance(item, exp.Columns):
                raise unread(item, "`columns(…)`")
            else:
                yield item.alias_or_name or item.sql(dialect="duckdb"), unaliased(item)

    def _traced(self, node: exp.Expression, scope: Scope, bound: frozenset[str] = frozenset()) -> Traced:
        """Where the value of an expression comes from; ``bound`` are the parameters of the lambdas around it."""
        if isinstance(node, exp.Column):
            return {} if node.name in bound and not node.table else self._column(node, scope)
        if isinstance(node, exp.Query):
            return self._scalar(node, scope)
        if isinstance(node, exp.Lambda):
            inside = bound | {parameter.name for parameter in node.expressions}
            return self._traced(node.this, scope, inside)
        trace = functools.partial(self._traced, scope=scope, bound=bound)
        if isinstance(node, exp.Window):
            return self._windowed(node, scope, trace)
        values, conditions = parts(node)
        return combined(map(trace, values), map(trace, conditions))

    def _scalar(self, query: exp.Query, scope: Scope) -> Traced:
        """A query inside of an expression: its columns enter the value, what decides its rows chooses it."""
        found = self.query(query, scope.with_tables, scope).as_one()
        origin = combined(found.columns.values()).get(0, Origin()).given(found.all_rows())
        return scope.relation().everywhere(origin)

    def _windowed(self, window: exp.Window, scope: Scope, trace: Callable[[exp.Expression], Traced]) -> Traced:
        parts = [*(window.args.get("partition_by") or []), *(window.args["order"].expressions if window.args.get("order") else [])]
        named = scope.windows.get(window.alias)
        if named is not None:
            parts += [*(named.args.get("partition_by") or []), *(named.args["order"].expressions if named.args.get("order") else [])]
        elif window.alias:
            raise unread(window, f"window {window.alias!r}, which the query does not declare,")
        traced = combined([trace(window.this)], map(trace, parts)) or scope.relation().everywhere(Origin())
        if isinstance(windowed_function(window.this), exp.Lag | exp.Lead):
            return traced
        return {branch: origin.given(scope.relation().decided_by(branch)) for branch, origin in traced.items()}

    def _column(self, column: exp.Column, scope: Scope) -> Traced:
        if column.args.get("db"):
            raise unread(column, f"`{column.sql(dialect='duckdb')}`, a field of a column,")
        if column.table:
            relation = scope.sources.get(column.table)
            if relation is not None and column.name in relation.columns:
                return relation.columns[column.name]
        else:
            having = holders(scope, column.name)
            if len(having) > 1 and column.name not in scope.merged:
                raise IntegrityError(f"`{column.name}` is a column of {' and '.join(having)}; say of which")
            if having:
                return scope.sources[having[0]].columns[column.name]
            if column.name in scope.aliases:
                others = {name: item for name, item in scope.aliases.items() if name != column.name}
                return self._traced(scope.aliases[column.name], replace(scope, aliases=others))
        if scope.outer is not None:
            return scope.relation().everywhere(merged(self._column(column, scope.outer).values()))
        there = "; ".join(f"{name}: {', '.join(relation.columns)}" for name, relation in scope.sources.items())
        raise IntegrityError(f"`{column.sql(dialect='duckdb')}` is no column of what the query reads ({there or 'nothing'})")


def _aggregated(traced: Traced, scope: Scope, keys: list[Traced]) -> Traced:
    """An aggregate: chosen by whatever decides which rows there are, and by what they are grouped by."""
    found = {}
    for branch, origin in (traced or scope.relation().everywhere(Origin())).items():
        grouped = frozenset().union(*(key[branch].all for key in keys if branch in key))
        found[branch] = origin.given(scope.relation().decided_by(branch) | grouped)
    return found
