"""What names mean inside of one `select`, how a join adds to it, and which columns of the result are a key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from tradewind_lifecycle.lineage.relations import Origin, Relation, Source, Traced
from tradewind_lifecycle.lineage.syntax import equalities, is_grouped, unaliased, unread


@dataclass(frozen=True)
class Scope:
    """What names mean inside of one `select`: its relations by alias, all with the same branches, and the aliases of its own columns.

    ``merged`` are columns that a join by `using` made one of.
    """

    sources: Mapping[str, Relation]
    rows: Mapping[int, frozenset[Source]]
    generated: Mapping[int, frozenset[Source]]
    aliases: Mapping[str, exp.Expression]
    windows: Mapping[str, exp.Window]
    merged: frozenset[str]
    with_tables: Mapping[str, Relation]
    outer: "Scope | None" = None

    def relation(self) -> Relation:
        """The rows of the `from` clause, without columns."""
        return Relation({}, self.rows, self.generated)


def holders(scope: Scope, name: str) -> list[str]:
    """The relations of a scope that have a column of that name."""
    return [alias for alias, relation in scope.sources.items() if name in relation.columns]


def renamed(relation: Relation, item: exp.Expression) -> Relation:
    """The relation with the column names that its alias gives, as in `with t (a, b)`."""
    alias = item.args.get("alias")
    return relation.named(column.name for column in alias.columns) if isinstance(alias, exp.TableAlias) and alias.columns else relation


def aligned(scope: Scope, relation: Relation) -> tuple[Scope, Relation]:
    """Both with the same branches: of two unions, the one that is joined is taken as one."""
    if len(scope.rows) > 1:
        return scope, relation.as_one().spread(scope.rows)
    if len(relation.rows) == 1:
        return scope, relation
    branches = relation.branches
    sources = {name: held.spread(branches) for name, held in scope.sources.items()}
    generated = dict.fromkeys(branches, scope.generated.get(0, frozenset()))
    return replace(scope, sources=sources, rows=dict.fromkeys(branches, scope.rows[0]), generated=generated), relation


def given(relation: Relation, conditions: Mapping[int, frozenset[Source]]) -> Relation:
    """The relation as a join brings it: each value chosen by ``conditions`` of its branch."""
    everywhere = relation.everywhere(Origin())
    columns = {
        name: {branch: origin.given(conditions[branch]) for branch, origin in (traced or everywhere).items()}
        for name, traced in relation.columns.items()
    }
    return replace(relation, columns=columns)


def join_condition(join: exp.Join, scope: Scope, name: str) -> exp.Expression | None:
    """What a join joins on; `using` as the equalities that it stands for."""
    if join.method not in ("", "ASOF"):
        raise unread(join, f"a {join.method.lower()} join")
    shared = [column.name for column in join.args.get("using") or []]
    if not shared:
        on: exp.Expression | None = join.args.get("on")
        return on
    return exp.and_(*(exp.EQ(this=exp.column(c, table=holders(scope, c)[0]), expression=exp.column(c, table=name)) for c in shared))


def matches_key(on: exp.Expression | None, name: str, relation: Relation) -> bool:
    """Whether ``on`` fixes all columns of the relation's key, so that a row has one match in it at most."""
    if relation.key is None:
        return False
    fixed = set()
    for sides in equalities(on):
        for own, other in (sides, sides[::-1]):
            if isinstance(own, exp.Column) and own.table == name and all(c.table != name for c in other.find_all(exp.Column)):
                fixed.add(own.name)
    return relation.key <= fixed


def starred(star: exp.Star, table: str, scope: Scope) -> Iterator[tuple[str, exp.Expression]]:
    """The columns that a star stands for; a name that two relations have is given once."""
    left_out = {column.name for column in star.args.get("except_") or []}
    replaced = {item.alias: item.this for item in star.args.get("replace") or []}
    others = {item.this.name: item.alias for item in star.args.get("rename") or []}
    shown: set[str] = set()
    for alias, relation in scope.sources.items():
        for name in relation.columns if table in ("", alias) else ():
            if name not in left_out | shown:
                shown.add(name)
                yield others.get(name, name), replaced.get(name, exp.column(name, table=alias))


def key_of(query: exp.Select, scope: Scope, columns: Mapping[str, Traced], keys: list[exp.Expression]) -> frozenset[str] | None:
    """Columns of the result that no two of its rows share, where that can be told."""
    if any(item.find(exp.Explode) for item in query.expressions):
        return None
    if query.args.get("distinct") is not None and query.args["distinct"].args.get("on") is None:
        return frozenset(columns)
    names = {unaliased(item).sql(): item.alias_or_name for item in query.expressions}
    if is_grouped(query):
        found = [names.get(key.sql()) for key in keys]
        return None if None in found else frozenset(name for name in found if name)
    first = next(iter(scope.sources), None)
    key = scope.sources[first].key if first is not None else frozenset()
    if key is None:
        return None
    return _carried(query, key, first or "")


def _carried(query: exp.Select, key: frozenset[str], source: str) -> frozenset[str] | None:
    """The key of ``source`` under the names that the query gives it; None where it leaves one of its columns out."""
    carried = set()
    for column in key:
        names = [
            item.alias_or_name
            for item in query.expressions
            if (inner := unaliased(item)).name == column and isinstance(inner, exp.Column) and inner.table in ("", source)
        ]
        if not names and any(item.is_star for item in query.expressions):
            names = [column]
        if not names:
            return None
        carried.add(names[0])
    return frozenset(carried)
