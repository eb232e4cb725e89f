"""Quality results as Dagster asset checks: one check per table and suite, with counts and samples of rows that broke a claim."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence

import dagster as dg

from tradewind_contracts.verdicts import CheckResult, Severity

DECLARATION, PLAUSIBLE = "keeps_its_declaration", "is_plausible"
SHOWN = 20


def check_specs(assets: Iterable[dg.AssetKey], name: str, description: str, blocking: bool = True) -> list[dg.AssetCheckSpec]:
    """One check called ``name`` on each of ``assets``; a blocking one that fails stops everything downstream."""
    return [dg.AssetCheckSpec(name=name, asset=asset, description=description, blocking=blocking) for asset in assets]


def reported(
    specs: Iterable[dg.AssetCheckSpec],
    results: Sequence[CheckResult],
    asset_of: Callable[[CheckResult], dg.AssetKey],
    seconds: float,
    absent: Collection[dg.AssetKey] = (),
) -> Iterable[dg.AssetCheckResult]:
    """The results of a stage as one Dagster result per spec. A spec without any result has not been evaluated and fails,
    but for those of ``absent`` assets, which this source can't fill.

    Failed warnings show as warnings and block nothing; a failed critical claim is an error.
    """
    for spec in specs:
        own = [result for result in results if result.suite == spec.name and asset_of(result) == spec.asset_key]
        if spec.asset_key in absent:
            yield dg.AssetCheckResult(
                asset_key=spec.asset_key, check_name=spec.name, passed=True, description="this source has no such table"
            )
        else:
            yield _reported(spec, own, seconds)


def _reported(spec: dg.AssetCheckSpec, results: Sequence[CheckResult], seconds: float) -> dg.AssetCheckResult:
    failed = [result for result in results if not result.passed]
    critical = not results or any(result.severity is Severity.CRITICAL for result in failed)
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=bool(results) and not failed,
        severity=dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN,
        description="; ".join(result.claim for result in failed) or f"{len(results)} claims kept",
        metadata={
            "claims": len(results),
            "failed_claims": len(failed),
            "rows": max((result.rows for result in results), default=0),
            "failing_rows": sum(result.failing_rows for result in failed),
            "outcome": dg.MetadataValue.md(table_of(results)),
            "samples": dg.MetadataValue.json([{"claim": r.claim, "rows": r.samples} for r in results if r.samples][:SHOWN]),
            "stage_seconds": round(seconds, 3),
        },
    )


def table_of(results: Sequence[CheckResult]) -> str:
    """The claims of a check as a Markdown table, failed ones first."""
    lines = ["| claim | severity | kept | failing rows | observed |", "|---|---|---|---:|---|"]
    for result in sorted(results, key=lambda result: result.passed):
        observed = "" if result.observed is None else json.dumps(result.observed, default=str, ensure_ascii=False)
        cells = (result.claim, result.severity.value, "yes" if result.passed else "**no**", f"{result.failing_rows:,}", observed)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
