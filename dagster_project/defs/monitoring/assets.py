"""The watch of what was served: drift of inputs and answers, errors as the truth arrives; a check per monitor."""

import base64
from collections.abc import Iterator
from typing import Any

import dagster as dg

from dagster_project.defs.models.assets import CHAMPION, LABELS
from dagster_project.defs.predictions.assets import LANDED_PREDICTIONS
from dagster_project.lib.generated import FAMILY, monitors
from dagster_project.lib.metadata import rows, stopwatch, table
from dagster_project.lib.specs import SCIENCE, asset, key
from tradewind_contracts.settings import Settings

DRIFT, LIVE = key("monitoring", f"{FAMILY}_drift"), key("monitoring", f"{FAMILY}_live")
CHECKS = [
    dg.AssetCheckSpec(
        name=monitor["name"],
        asset=LIVE if monitor["of"] == "live" else DRIFT,
        description=f"A monitor: {monitor['claim']}. Nothing is stopped by it; two weeks running propose a retrain.",
    )
    for monitor in monitors()
]


@dg.multi_asset(
    name="monitoring__eta",
    specs=[
        asset(
            "monitoring",
            f"{FAMILY}_drift",
            "Inputs, their ages and the answers of the last weeks of the prediction log beside the shapes that the version sealed.",
            kinds=["python", "parquet"],
            deps=[LANDED_PREDICTIONS, CHAMPION],
            owner=SCIENCE,
        ),
        asset(
            "monitoring",
            f"{FAMILY}_live",
            "Errors, coverage and bias of each version's answers with the truth known at the world's clock, beside the lane median.",
            kinds=["python", "parquet"],
            deps=[LANDED_PREDICTIONS, CHAMPION, LABELS],
            owner=SCIENCE,
        ),
    ],
    check_specs=CHECKS,
)
def watched(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    from tradewind_lifecycle.monitoring import pages, watch

    with stopwatch() as clock:
        found = watch.watch(settings, progress=context.log.info)
        _, page = pages.write_pages(found, settings)
    context.log.info(pages.text_of(found))
    told: dict[str, Any] = {
        "champion": found.champion,
        "windows": table(pages.records_of(found)),
        "page": dg.MetadataValue.path(str(page)),
        "world": settings.world_name,
        "stage_seconds": clock.seconds,
    }
    if found.skipped:
        told["skipped"] = found.skipped
    else:
        told["plot"] = _plot(pages.svg_of(found.served))
        told["proposal"] = found.proposal.reason if found.proposal else "none"
    for asset_key in (DRIFT, LIVE):
        yield dg.MaterializeResult(asset_key=asset_key, metadata={**rows(found.answers), **told})
    yield from _results(pages.checks_of(found))


def _results(records: list[dict[str, Any]]) -> Iterator[dg.AssetCheckResult]:
    for record in records:
        told = {"judged": record["judged"], "threshold": record["threshold"]}
        if record["value"] is not None:
            told["value"] = record["value"]
        yield dg.AssetCheckResult(
            asset_key=LIVE if record["live"] else DRIFT,
            check_name=record["name"],
            passed=record["passed"],
            severity=dg.AssetCheckSeverity.WARN,
            description=record["reason"],
            metadata=told,
        )


def _plot(svg: str) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(f"![errors, shares and drift by week](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")
