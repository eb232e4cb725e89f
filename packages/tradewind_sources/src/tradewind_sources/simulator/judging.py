"""Whether a row can be used, in SQL made from the declarations: the reason why not, and the flags of what is odd.

Reasons are looked for in this order, and the first that is met names the row: ``<column>_missing``, ``<column>_out_of_range``,
``<column>_not_allowed``, ``duplicate_key`` (its file holds a usable row with that key before it), ``unknown_<column>``,
``in_the_future`` (a milestone after the UTC day of its file). What a row refers to must be known by the end of its file's day.
"""

from tradewind_contracts.tables import FLAGS, Column, Kind, Reference, Table
from tradewind_sources.simulator.folder import DAY, ROW
from tradewind_sources.simulator.oddities import ODDITIES

REASON = "_reason"
"""Column with why a row can't be used; null where it can."""


def judged_query(table: Table, batch: str) -> str:
    """SQL over the relation ``batch``, whole files of ``table``: its columns, day, number, reason (null: usable) and flags.

    Needs the relations that ``known_name`` names.
    """
    key = ", ".join(table.key)
    columns = ", ".join(f"b.{column.name}" for column in table.columns)
    joins = " ".join(
        f"left join {known_name(reference)} as r{place} on r{place}.id = b.{reference.column}"
        for place, reference in enumerate(table.references)
    )
    return (
        f"with formed as materialized (select *, {_case(_form_reasons(table))} as _form_reason from {batch}), "
        f"repeated as (select {key}, {DAY}, min({ROW}) as _first_row from formed where _form_reason is null "
        f"group by {key}, {DAY} having count(*) > 1) "
        f"select {columns}, b.{DAY}, b.{ROW}, {_case(_other_reasons(table))} as {REASON}, {_flags(table)} as {FLAGS.name} "
        f"from formed as b left join repeated as d using ({key}, {DAY}) {joins}"
    )


def known_name(reference: Reference) -> str:
    """The relation of what may be referred to: ``id`` and ``day``, the UTC day since which it is known (null: before all files)."""
    return f"known.{reference.table}_{reference.to}"


def _form_reasons(table: Table) -> list[tuple[str, str]]:
    missing = [(f"{c.name} is null", f"'{c.name}_missing'") for c in table.columns if not c.nullable]
    ranges = [(bounds, f"'{c.name}_out_of_range'") for c in table.columns if (bounds := _beyond(c))]
    words = [(f"{c.name} not in ({_listed(c.allowed)})", f"'{c.name}_not_allowed'") for c in table.columns if c.allowed]
    return missing + ranges + words


def _other_reasons(table: Table) -> list[tuple[str, str]]:
    reasons = [("b._form_reason is not null", "b._form_reason"), (f"b.{ROW} > d._first_row", "'duplicate_key'")]
    for place, reference in enumerate(table.references):
        if reference.mandatory:
            reasons.append((_unknown(reference, place), f"'unknown_{reference.column}'"))
    ahead = " or ".join(f"b.{name} >= b.{DAY} + interval 1 day" for name in table.milestones)
    return [*reasons, (ahead, "'in_the_future'")] if ahead else reasons


def _flags(table: Table) -> str:
    conditions = dict(ODDITIES.get(table.name, {}))
    for place, reference in enumerate(table.references):
        if not reference.mandatory:
            conditions[f"unknown_{reference.column}"] = _unknown(reference, place)
    cases = ", ".join(f"case when {condition} then '{name}' end" for name, condition in conditions.items())
    return f"concat_ws(';', {cases})" if cases else "''"


def _unknown(reference: Reference, place: int) -> str:
    return f"b.{reference.column} is not null and (r{place}.id is null or r{place}.{DAY} > b.{DAY})"


def _beyond(column: Column) -> str:
    bounds = [f"{column.name} < {column.least}"] if column.least is not None else []
    bounds += [f"{column.name} > {column.greatest}"] if column.greatest is not None else []
    # No bound catches what is not a number.
    bounds += [f"not isfinite({column.name})"] if column.kind is Kind.NUMBER else []
    return " or ".join(bounds)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _case(reasons: list[tuple[str, str]]) -> str:
    """SQL of the first reason (an expression) whose condition is met, else null."""
    if not reasons:
        return "null::varchar"
    return "case " + " ".join(f"when {condition} then {reason}" for condition, reason in reasons) + " end"
