"""Which suites a stage has, which columns they read, and their evaluation all together."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_contracts.tables import TABLES, Table
from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_quality import features, landing, marts, training_sets
from tradewind_quality.claims import Claim, Context, Suite, some_rows, unique
from tradewind_quality.derived import suite_for
from tradewind_quality.running import as_frame, run

Stage = Literal["landing", "marts", "features", "training_set"]
STAGES: tuple[Stage, ...] = get_args(Stage)

_OF_NO_ROWS = ("ExpectTableRowCountToBeBetween", "ExpectColumnValuesToBeUnique", "ExpectCompoundColumnsToBeUnique")


def suites_of(stage: Stage, columns: Mapping[str, Iterable[str]], context: Context) -> list[Suite]:
    """The suites of ``stage`` for the tables that are there; ``columns`` names the columns of each.

    Landing tables that are not declared are left out (the quarantine has rows of every shape).
    """
    if stage == "landing":
        return _landing(columns)
    if stage == "marts":
        return _marts(columns, context)
    if stage == "features":
        return [
            Suite(
                landing.SUITE,
                table,
                features.claims_of_labels(names) if table.startswith("lbl_") else features.claims_of_features(table, names, context),
                context.keys.get(table, ()),
            )
            for table, names in columns.items()
        ]
    return [
        Suite(
            landing.SUITE,
            table,
            training_sets.claims_of_training_set(names, context.keys.get(table, ()), context),
            context.keys.get(table, ()),
        )
        for table, names in columns.items()
    ]


def columns_needed(suites: Iterable[Suite]) -> dict[str, tuple[str, ...]]:
    """The columns that ``suites`` read, by table: what a caller has to load."""
    needed: dict[str, dict[str, None]] = {}
    for suite in suites:
        own = needed.setdefault(suite.table, {})
        own.update(dict.fromkeys(suite.key))
        for claim in suite.claims:
            own.update(dict.fromkeys(claim.columns))
            for other, names in claim.elsewhere.items():
                needed.setdefault(other, {}).update(dict.fromkeys(names))
    return {table: tuple(names) for table, names in needed.items()}


def check(stage: Stage, tables: Mapping[str, pa.Table | Path], context: Context, only: Collection[str] = ()) -> list[CheckResult]:
    """Evaluate the suites of ``stage`` on ``tables`` (Arrow tables or Parquet files): one result per claim.

    ``only`` names the tables to check, where others are there just to be compared with.
    """
    schemas = {name: pq.read_schema(table) if isinstance(table, Path) else table.schema for name, table in tables.items()}
    suites = suites_of(stage, {name: schema.names for name, schema in schemas.items()}, context)
    suites = [_of_size(suite, tables[suite.table]) for suite in suites if not only or suite.table in only]
    frames = {
        name: as_frame(_columns(tables[name], [c for c in columns if c in schemas[name].names]))
        for name, columns in columns_needed(suites).items()
        if name in tables
    }
    results: list[CheckResult] = []
    for suite in suites:
        declared = TABLES[suite.table].schema if stage == "landing" and suite.table in TABLES else None
        results += run(suite, schemas, frames, context, declared)
    return results


def check_declared(declared: Table, rows: pa.Table, context: Context) -> list[CheckResult]:
    """Evaluate the suite that follows from ``declared``, of a table that is none of the landing's, on ``rows``: one result per claim.

    Of lists and maps only whether they are there is looked at.
    """
    suite = _of_size(suite_for(declared), rows)
    kept = tuple(claim for claim in suite.claims if not claim.elsewhere)
    suite = replace(suite, claims=kept)
    names = [name for name in columns_needed([suite])[suite.table] if name in rows.column_names]
    frames = {suite.table: as_frame(pa.table({name: _flat(rows.column(name)) for name in names}))}
    return run(suite, {suite.table: rows.schema}, frames, context, declared.schema)


def _flat(values: Any) -> Any:
    is_nested = pa.types.is_list(values.type) or pa.types.is_map(values.type)
    return pc.if_else(pc.is_valid(values), pa.scalar(1.0), pa.scalar(None, pa.float64())) if is_nested else values


def _columns(table: pa.Table | Path, names: list[str]) -> pa.Table:
    """Only the columns that claims read."""
    return pq.read_table(table, columns=names) if isinstance(table, Path) else table.select(names)


def _of_size(suite: Suite, table: pa.Table | Path) -> Suite:
    """The suite; of a table without rows only what can be said of it: its types, its key, and whether it should have some."""
    rows = pq.read_metadata(table).num_rows if isinstance(table, Path) else table.num_rows
    if rows:
        return suite
    kept = tuple(claim for claim in suite.claims if claim.of_schema or claim.expectation.kind in _OF_NO_ROWS)
    return replace(suite, claims=kept or (some_rows(severity=Severity.WARNING),))


def _landing(columns: Mapping[str, Iterable[str]]) -> list[Suite]:
    by_hand = landing.claims()
    suites = []
    for name in (n for n in columns if n in TABLES):
        derived = suite_for(TABLES[name])
        suites.append(Suite(derived.name, name, _readable(derived.claims, columns), derived.key, derived.hidden))
        if name in by_hand:
            suites.append(Suite(landing.SUITE, name, _readable(by_hand[name], columns), derived.key, derived.hidden))
    return suites


def _marts(columns: Mapping[str, Iterable[str]], context: Context) -> list[Suite]:
    by_hand = marts.claims()
    suites = []
    for name in columns:
        key = context.keys.get(name, ())
        general: tuple[Claim, ...] = () if name in context.may_be_empty else (some_rows(),)
        general += (unique(key),) if key else ()
        hidden = context.hidden.get(name, frozenset())
        suites.append(Suite(landing.SUITE, name, _readable((*general, *by_hand.get(name, ())), columns), key, hidden))
    return suites


def _readable(claims: Iterable[Claim], columns: Mapping[str, Iterable[str]]) -> tuple[Claim, ...]:
    """Claims that read another table need that table: a source without it has nothing to compare."""
    return tuple(claim for claim in claims if all(table in columns for table in claim.elsewhere))
