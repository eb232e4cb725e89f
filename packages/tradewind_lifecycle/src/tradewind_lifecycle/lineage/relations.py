"""The algebra of lineage: where the columns of a relation come from, and what decides which rows it has.

A relation that is a union keeps its arms (*branches*) apart for as long as it can: in the house's feature models the facts of several kinds
are stacked by name, each kind with columns of its own, and a column's origin is only that of the kinds that have it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from tradewind_lifecycle.lineage.graph import ROWS

Source = tuple[str, str]
"""A column of a table that is not looked into: (table, column)."""


@dataclass(frozen=True)
class Origin:
    """Where a value comes from: columns that enter it, and columns that decide which rows enter it or which of several values it takes."""

    values: frozenset[Source] = frozenset()
    conditions: frozenset[Source] = frozenset()

    @property
    def all(self) -> frozenset[Source]:
        """Both kinds."""
        return self.values | self.conditions

    def given(self, conditions: frozenset[Source]) -> "Origin":
        """The same value, chosen by ``conditions`` too."""
        return replace(self, conditions=self.conditions | conditions)


def merged(origins: Iterable[Origin]) -> Origin:
    """One value made of several."""
    found = list(origins)
    return Origin(frozenset().union(*(o.values for o in found)), frozenset().union(*(o.conditions for o in found)))


Traced = Mapping[int, Origin]
"""An expression's origin in each branch that has it; empty: it is the same in all (a literal)."""


def combined(values: Iterable[Traced], conditions: Iterable[Traced] = (), *, anywhere: bool = False) -> dict[int, Origin]:
    """The origin of an expression of ``values``, chosen by ``conditions``.

    It exists in the branches that have all its operands; where no branch has all of them, or ``anywhere`` is asked for, in those that
    have any. Literals are everywhere and say nothing.
    """
    entering = [traced for traced in values if traced]
    choosing = [traced for traced in conditions if traced]
    decisive = entering or choosing
    if not decisive:
        return {}
    branches = set.union(*map(set, decisive)) if anywhere else set.intersection(*map(set, decisive))
    branches = branches or set.union(*map(set, decisive))
    return {
        branch: merged(traced[branch] for traced in entering if branch in traced).given(
            frozenset().union(*(traced[branch].all for traced in choosing if branch in traced))
        )
        for branch in sorted(branches)
    }


@dataclass(frozen=True)
class Relation:
    """A relation's columns (by name, in order) and, for each of its branches, what decides which rows it has.

    ``generated`` are columns that only decide how many copies of its rows there are (`unnest`). ``key`` are columns that no two rows
    share, where that is known: a join to it can't double anything.
    """

    columns: Mapping[str, Traced]
    rows: Mapping[int, frozenset[Source]] = field(default_factory=lambda: {0: frozenset()})
    generated: Mapping[int, frozenset[Source]] = field(default_factory=dict)
    key: frozenset[str] | None = None

    @property
    def branches(self) -> list[int]:
        """The arms of the union that it is; one for what is none."""
        return sorted(self.rows)

    def everywhere(self, origin: Origin) -> dict[int, Origin]:
        """``origin`` in every branch."""
        return dict.fromkeys(self.branches, origin)

    def decided_by(self, branch: int) -> frozenset[Source]:
        """All that decides which rows ``branch`` has, and how often."""
        return self.rows[branch] | self.generated.get(branch, frozenset())

    def all_rows(self) -> frozenset[Source]:
        """All that decides which rows there are."""
        return frozenset().union(*map(self.decided_by, self.branches))

    def as_one(self) -> "Relation":
        """The same with one branch."""
        if self.branches == [0]:
            return self
        columns = {name: {0: merged(traced.values())} if traced else {} for name, traced in self.columns.items()}
        rows = {0: frozenset().union(*self.rows.values())}
        return Relation(columns, rows, {0: frozenset().union(*self.generated.values())}, self.key)

    def spread(self, branches: Iterable[int]) -> "Relation":
        """The only branch of this relation as each of ``branches``."""
        columns = {name: dict.fromkeys(branches, traced[0]) if traced else {} for name, traced in self.columns.items()}
        rows, generated = self.rows[0], self.generated.get(0, frozenset())
        return Relation(columns, dict.fromkeys(branches, rows), dict.fromkeys(branches, generated), self.key)

    def renumbered(self, number: Callable[[int], int]) -> "Relation":
        """The same with other numbers for its branches."""
        columns = {name: {number(b): origin for b, origin in traced.items()} for name, traced in self.columns.items()}
        return Relation(columns, {number(b): v for b, v in self.rows.items()}, {number(b): v for b, v in self.generated.items()}, self.key)

    def named(self, names: Iterable[str]) -> "Relation":
        """The first columns under other names, as `with t (a, b)` and positional unions have it."""
        given = list(names)
        renamed = dict(zip(self.columns, given, strict=False))
        columns = {renamed.get(name, name): traced for name, traced in self.columns.items()}
        key = frozenset(renamed.get(name, name) for name in self.key) if self.key is not None else None
        return Relation(columns, self.rows, self.generated, key)


def base_relation(table: str, columns: Iterable[str], key: Iterable[str] = ()) -> Relation:
    """A table that is not looked into: each column comes from itself, its rows are its own."""
    return Relation(
        {name: {0: Origin(frozenset({(table, name)}))} for name in columns}, {0: frozenset({(table, ROWS)})}, {}, frozenset(key) or None
    )


def stacked(arms: list[Relation], *, by_name: bool) -> Relation:
    """The union of ``arms``, each branch of each of them a branch; by position all arms are named as the first.

    A column that an arm lacks, or fills with a literal, has no origin in its branches.
    """
    first = 0
    columns: dict[str, dict[int, Origin]] = {}
    rows: dict[int, frozenset[Source]] = {}
    generated: dict[int, frozenset[Source]] = {}
    for arm in arms:
        named = arm if by_name else arm.named(arms[0].columns)
        placed = named.renumbered(_after(first))
        first += max(arm.branches) + 1
        for name, traced in placed.columns.items():
            columns.setdefault(name, {}).update(traced)
        rows |= placed.rows
        generated |= placed.generated
    return Relation(columns, rows, generated)


def _after(first: int) -> Callable[[int], int]:
    return lambda branch: branch + first
