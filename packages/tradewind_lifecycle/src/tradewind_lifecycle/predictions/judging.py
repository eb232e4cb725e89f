"""Which rows of the log can't be used, and the claims about those that land; both follow from the declaration of ``predictions``."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_contracts.errors import QualityError
from tradewind_contracts.files import atomic_file, write_text
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import Kind, PersonalData
from tradewind_contracts.tables.predictions import PREDICTIONS
from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_contracts.world import World
from tradewind_quality import Context, check_declared

STAGE = "predictions"

AHEAD = dt.timedelta(minutes=5)
"""How far an answer may lie after this machine's clock. Chosen: clocks of two machines differ by seconds."""

QUARANTINE = pa.schema(
    [(name, pa.string()) for name in ("table", "source_file")]
    + [("source_row", pa.int64()), ("reason", pa.string()), ("row_json", pa.string())]
)
"""One row per refused row, as the landing's quarantine has it: ``source_row`` from 1; ``row_json`` without direct personal data."""


def reasons(rows: pa.Table, world: str) -> Any:
    """Why each row (columns of the declaration) can't be used, as an array; null where it can. Of several reasons the first declared."""
    found: Any = pa.chunked_array([pa.nulls(rows.num_rows, pa.string())])
    for reason, breaks in _rules(rows, world):
        found = pc.coalesce(found, pc.if_else(pc.fill_null(breaks, False), pa.scalar(reason), pa.scalar(None, pa.string())))
    return found


def _rules(rows: pa.Table, world: str) -> list[tuple[str, Any]]:
    rules: list[tuple[str, Any]] = []
    for column in (c for c in PREDICTIONS.all_columns if c.name in rows.column_names):
        values: Any = rows[column.name]
        if not column.nullable:
            rules.append((f"no_{column.name}", pc.is_null(values)))
        if column.kind is Kind.NUMBER:
            rules.append((f"{column.name}_not_finite", pc.invert(pc.is_finite(values))))
        if column.least is not None:
            rules.append((f"{column.name}_too_small", pc.less(values, pa.scalar(column.least).cast(values.type))))
        if column.greatest is not None:
            rules.append((f"{column.name}_too_great", pc.greater(values, pa.scalar(column.greatest).cast(values.type))))
        if column.allowed:
            rules.append((f"{column.name}_unknown", pc.invert(pc.is_in(values, value_set=pa.array(column.allowed)))))
    latest = pa.scalar(Clock().now() + AHEAD, pa.timestamp("us", tz="UTC"))
    named: Any = rows["world"]
    return [
        *rules,
        ("of_another_world", pc.not_equal(named, pa.scalar(world))),
        ("answered_in_the_future", pc.greater(rows["answered_at"], latest)),
    ]


def set_aside(folder: Path, segment: str, rows: pa.Table) -> None:
    """Write the refused ``rows`` of ``segment``, with ``source_row`` and ``reason``, to the quarantine in ``folder``: one file for a segment.

    Raises:
        StateError: the file system refuses.
    """
    shown = [c.name for c in PREDICTIONS.columns if c.personal is not PersonalData.DIRECT and c.name in rows.column_names]
    texts = [json.dumps(row, default=str, ensure_ascii=False) for row in rows.select(shown).to_pylist()]
    table = pa.table(
        {
            "table": [PREDICTIONS.name] * rows.num_rows,
            "source_file": [segment] * rows.num_rows,
            "source_row": rows["source_row"].to_pylist(),
            "reason": rows["reason"].to_pylist(),
            "row_json": texts,
        },
        schema=QUARANTINE,
    )
    with atomic_file(folder / f"{segment}.parquet") as partial:
        pq.write_table(table, partial, compression="zstd")


def claims_about(rows: pa.Table, settings: Settings) -> list[CheckResult]:
    """The declaration's claims about ``rows`` that are about to land, by Great Expectations.

    Raises:
        QualityError: a critical one does not hold; nothing of them has landed.
    """
    world = World.read(settings.paths.world_file)
    today = Clock().now() + AHEAD
    results = check_declared(PREDICTIONS, rows, Context(as_of=world.clock.now(), known_until=today, today=today, country=world.country))
    failed = [result for result in results if result.severity is Severity.CRITICAL and not result.passed]
    if failed:
        raise QualityError(
            f"predictions: {failed[0].claim} does not hold ({failed[0].failing_rows:,} of {failed[0].rows:,} rows); nothing of them landed"
        )
    return results


def keep_results(results: list[CheckResult], settings: Settings) -> None:
    """Write the results of the newest landing to ``quality/predictions.json``."""
    text = json.dumps([result.model_dump(mode="json") for result in results], indent=1, ensure_ascii=False)
    write_text(settings.paths.quality / f"{STAGE}.json", text + "\n")
