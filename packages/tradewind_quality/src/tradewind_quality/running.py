"""Evaluating suites with Great Expectations on pandas frames made from Arrow; no context file, no progress bars, no telemetry."""

import datetime as dt
import decimal
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa

from tradewind_contracts.verdicts import CheckResult
from tradewind_quality.claims import WITNESS, Claim, Context, Sight, Suite

SAMPLES = 5
_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLES}


def run(
    suite: Suite, schemas: Mapping[str, pa.Schema], frames: Mapping[str, pd.DataFrame], context: Context, declared: pa.Schema | None
) -> list[CheckResult]:
    """Evaluate ``suite`` on its table: one result per claim, in order. A claim that reads an absent column has failed.

    ``schemas`` are the tables' own, ``frames`` hold what claims read of them in pandas (see ``as_frame``); ``declared`` is
    the schema that claims about types compare with.

    Raises:
        ValueError: Great Expectations could not evaluate an expectation: what is not evaluated must not count as kept.
    """
    rows = frames[suite.table]
    found = _evaluated(suite, rows, Sight(rows, frames, context))
    results = []
    for number, claim in enumerate(suite.claims):
        if claim.of_schema:
            results.append(_of_schema(suite, claim, schemas[suite.table], declared))
        elif number in found:
            results.append(_result(suite, claim, rows, found[number]))
        else:
            results.append(_not_evaluated(suite, claim, len(rows), _absent(claim, suite.table, frames)))
    return results


def as_frame(table: pa.Table) -> pd.DataFrame:
    """``table`` as pandas: DECIMAL as double (claims about money carry a tolerance), instants as zoned microseconds."""
    fields = [pa.field(f.name, pa.float64()) if pa.types.is_decimal(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields)).to_pandas(date_as_object=False)


def _evaluated(suite: Suite, rows: pd.DataFrame, sight: Sight) -> dict[int, Any]:
    """Great Expectations' results by the claims' position; claims about types and those that read absent columns are left out."""
    whole = pd.DataFrame(index=rows.index)
    expectations: dict[int, Any] = {}
    for number, claim in enumerate(suite.claims):
        if claim.of_schema or _absent(claim, suite.table, sight.tables):
            continue
        witness = f"{WITNESS}_{number}"
        if claim.witness is not None:
            whole[witness] = claim.witness(sight).astype("float64")
        else:
            for column in (c for c in claim.columns if c not in whole.columns):
                whole[column] = rows[column]
        expectations[number] = _built(claim, {WITNESS: witness})
    return dict(zip(expectations, _validated(whole, list(expectations.values())), strict=True))


def _absent(claim: Claim, table: str, frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """The columns that the claim reads and nobody brought."""
    wanted = {table: claim.columns, **claim.elsewhere}
    return [
        f"{name}.{column}" for name, columns in wanted.items() for column in columns if name not in frames or column not in frames[name]
    ]


def _not_evaluated(suite: Suite, claim: Claim, rows: int, absent: list[str]) -> CheckResult:
    return CheckResult(
        suite=suite.name,
        table=suite.table,
        claim=claim.text,
        severity=claim.severity,
        passed=False,
        rows=rows,
        observed=f"not evaluated: no column {', '.join(absent)}",
    )


def _of_schema(suite: Suite, claim: Claim, found: pa.Schema, declared: pa.Schema | None) -> CheckResult:
    """Types are compared as rows too: one per column, found beside declared."""
    wanted = [f"{f.name} {f.type}" for f in declared] if declared is not None else []
    present = [f"{f.name} {f.type}" for f in found]
    size = max(len(wanted), len(present))
    frame = pd.DataFrame({"found": present + ["absent"] * (size - len(present)), "declared": wanted + ["absent"] * (size - len(wanted))})
    result = _validated(frame, [_built(claim, {})])[0]
    return _result(suite, claim, frame, result, key=("found", "declared"))


def _built(claim: Claim, names: Mapping[str, str]) -> Any:
    import great_expectations.expectations as kinds

    arguments = {key: names.get(value, value) if isinstance(value, str) else value for key, value in claim.expectation.arguments.items()}
    return getattr(kinds, claim.expectation.kind)(**arguments)


def _validated(frame: pd.DataFrame, expectations: list[Any]) -> list[Any]:
    """Results in the order of ``expectations``.

    Most claims are kept by every row: they are asked for yes or no first, and only the others for counts and samples, which
    cost Great Expectations four times as much.
    """
    results = _asked(frame, expectations, {"result_format": "BOOLEAN_ONLY"})
    again = [n for n, result in enumerate(results) if not result.success or _is_counted(expectations[n])]
    for n, result in zip(again, _asked(frame, [expectations[n] for n in again], _FORMAT), strict=True):
        if result.exception_info.get("raised_exception", True) or not result.result:
            raise ValueError(f"{result.expectation_config.type} could not be evaluated: {result.exception_info}")
        results[n] = result
    return results


def _asked(frame: pd.DataFrame, expectations: list[Any], result_format: dict[str, Any]) -> list[Any]:
    """Great Expectations groups results by column: they are put back in the order of ``expectations``."""
    import great_expectations as gx

    for number, expectation in enumerate(expectations):
        expectation.meta = {"position": number}
    batch = _asset().get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name="claims", expectations=expectations)
    results = batch.validate(suite, result_format=result_format).results
    return sorted(results, key=lambda result: int(result.expectation_config.meta["position"]))


def _is_counted(expectation: Any) -> bool:
    """A claim that some rows may break, or that speaks of a mean: its numbers are of interest when it is kept, too."""
    return bool(getattr(expectation, "mostly", 1.0) < 1.0 or not hasattr(expectation, "mostly"))


@cache
def _asset() -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults, ProgressBarsConfig

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    return context.data_sources.add_pandas("frames").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")


def _result(suite: Suite, claim: Claim, rows: pd.DataFrame, result: Any, key: tuple[str, ...] | None = None) -> CheckResult:
    details = result.result
    failing = int(details.get("unexpected_count", 0) or 0)
    positions = [p for p in details.get("partial_unexpected_index_list") or [] if isinstance(p, int)]
    shown = [c for c in dict.fromkeys((*(key or suite.key), *claim.columns)) if c not in suite.hidden and c in rows.columns]
    samples = [{name: plain(value) for name, value in row.items()} for row in rows.loc[positions[:SAMPLES], shown].to_dict("records")]
    return CheckResult(
        suite=suite.name,
        table=suite.table,
        claim=claim.text,
        severity=claim.severity,
        passed=bool(result.success),
        rows=len(rows),
        failing_rows=failing,
        observed=plain(details.get("observed_value")),
        samples=[{str(name): value for name, value in sample.items()} for sample in samples],
    )


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: instants as ISO text, NaN and NaT as null, numpy scalars as Python's."""
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
