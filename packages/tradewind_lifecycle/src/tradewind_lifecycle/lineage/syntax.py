"""Questions about the syntax tree of a query in DuckDB's dialect, of which lineage is made: what is an aggregate, what only chooses."""

import functools
from collections.abc import Iterator

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from tradewind_contracts.errors import IntegrityError


def parsed(sql: str) -> exp.Expression:
    """The syntax tree of one query, its names in lower case as DuckDB takes them.

    Raises:
        IntegrityError: it can't be parsed, or is no query.
    """
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except ParseError as error:
        raise IntegrityError(f"not SQL that can be read ({str(error).splitlines()[0]})") from error
    if not isinstance(tree, exp.Query):
        raise IntegrityError(f"not a query ({type(tree).__name__})")
    return normalize_identifiers(tree, dialect="duckdb")


def unread(node: exp.Expression, what: str) -> IntegrityError:
    """The refusal of a construct whose lineage is not followed."""
    text = node.sql(dialect="duckdb")
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return IntegrityError(f"{what} can't be followed by lineage: {shown}; write it another way, or teach tradewind_lifecycle.lineage")


def unaliased(item: exp.Expression) -> exp.Expression:
    """The expression without the name that it is given."""
    return item.this if isinstance(item, exp.Alias) else item


def outermost(expression: exp.Expression, kinds: tuple[type[exp.Expression], ...]) -> Iterator[exp.Expression]:
    """The nodes of ``kinds`` that stand in no other such node."""
    if isinstance(expression, kinds):
        yield expression
        return
    for child in expression.iter_expressions():
        yield from outermost(child, kinds)


def parts(node: exp.Expression) -> tuple[list[exp.Expression], list[exp.Expression]]:
    """What an expression is made of: what enters its value, and what only decides which rows, or which of several values, do."""
    if isinstance(node, exp.Filter):
        return [node.this], [node.expression.this]
    if isinstance(node, exp.ArgMin | exp.ArgMax):
        return [node.this], [node.expression]
    if isinstance(node, exp.Order) and node.this is not None:
        return [node.this], [item.this for item in node.expressions]
    if isinstance(node, exp.Explode) and isinstance(node.this, exp.GenerateSeries):
        # Its end decides how many rows there are: see Relation.generated.
        return [part for name in ("start", "step") if (part := node.this.args.get(name)) is not None], []
    return list(node.iter_expressions()), []


def is_null(node: exp.Expression) -> bool:
    """Whether it is the literal null, cast or not."""
    return isinstance(node, exp.Null) or (isinstance(node, exp.Cast) and is_null(node.this))


def is_grouped(query: exp.Select) -> bool:
    """Whether a query gives aggregates instead of the rows that it reads."""
    having = query.args.get("having")
    return query.args.get("group") is not None or having is not None or any(aggregates(item) for item in query.expressions)


def aggregates(node: exp.Expression) -> bool:
    """Whether an expression aggregates rows; over a window, or in a query of its own, it does not."""
    if isinstance(node, exp.Query):
        return False
    if isinstance(node, exp.Window):
        inner = windowed_function(node)
        return any(aggregates(child) for child in inner.iter_expressions())
    return _is_aggregate(node) or any(aggregates(child) for child in node.iter_expressions())


def windowed_function(window: exp.Expression) -> exp.Expression:
    """The function that a window is of, without `filter` and `ignore nulls` around it."""
    node = window
    while isinstance(node, exp.Window | exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
        node = node.this
    return node


def equalities(condition: exp.Expression | None) -> Iterator[tuple[exp.Expression, exp.Expression]]:
    """The two sides of each equality that must hold for ``condition`` to hold."""
    if condition is None:
        return
    for part in _conjuncts(condition):
        if isinstance(part, exp.EQ):
            yield part.this, part.expression


def _conjuncts(condition: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(condition, exp.And | exp.Paren):
        for side in condition.iter_expressions():
            yield from _conjuncts(side)
    else:
        yield condition


def _is_aggregate(node: exp.Expression) -> bool:
    if isinstance(node, exp.AggFunc):
        return True
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _aggregate_names()
    if not isinstance(node, exp.Func):
        return False
    names: list[str] = node.sql_names()  # type: ignore[no-untyped-call]  # sqlglot gives it no types
    return any(name.lower() in _aggregate_names() for name in names)


@functools.cache
def _aggregate_names() -> frozenset[str]:
    """The names of DuckDB's aggregate functions, as it lists them; those of scalar functions too are left out."""
    with duckdb.connect() as connection:
        kinds = connection.execute("select distinct function_name, function_type from duckdb_functions()").fetchall()
    scalars = {name for name, kind in kinds if kind in ("scalar", "macro")}
    return frozenset(name for name, kind in kinds if kind == "aggregate" and name not in scalars)
