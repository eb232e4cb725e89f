"""What services answered, as a landing table of its own: a busy log does not rebuild the warehouse."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.lib.checks import DECLARATION, check_specs, reported
from dagster_project.lib.metadata import rows, stopwatch, table
from dagster_project.lib.specs import asset, key
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables.predictions import PREDICTIONS

LANDED_PREDICTIONS = key("landing", PREDICTIONS.name)
CHECKS = check_specs([LANDED_PREDICTIONS], DECLARATION, "Types, keys, nulls and ranges of what landed are the declared ones.")


@dg.multi_asset(
    name="landing__predictions",
    description="Land what services have logged, each answer once, and compact it to one file an hour. A world without a log is skipped.",
    specs=[
        asset(
            "landing",
            PREDICTIONS.name,
            f"{PREDICTIONS.grain[0].upper()}{PREDICTIONS.grain[1:]}. {PREDICTIONS.description}",
            kinds=["python", "parquet"],
            deps=[key("landing", "orders")],
        )
    ],
    check_specs=CHECKS,
)
def predictions(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    from tradewind_lifecycle.predictions.compacting import compact_predictions
    from tradewind_lifecycle.predictions.landed import days_in, landed_folder, read_day
    from tradewind_lifecycle.predictions.landing import land_predictions
    from tradewind_lifecycle.quality_results import read_results

    with stopwatch() as watch:
        done = land_predictions(settings, context.log.info)
        if done.landed:
            compact_predictions(settings, context.log.info)
        folder = landed_folder(settings)
        days = [read_day(folder, day) for day in days_in(folder)]
    refused = [{"reason": reason, "rows": count} for reason, count in sorted(done.quarantined.items())]
    yield dg.MaterializeResult(
        asset_key=LANDED_PREDICTIONS,
        metadata={
            **rows(sum(day.rows for day in days)),
            "landed": done.landed,
            "days": len(days),
            "quarantined": sum(done.quarantined.values()),
            "quarantined_by_reason": table(refused),
            "unreadable": ", ".join(done.unreadable),
            "skipped": done.said() if done.is_empty else "",
            "world": settings.world_name,
            "stage_seconds": watch.seconds,
        },
    )
    results = done.results or read_results(PREDICTIONS.name, settings)  # of what landed last, where nothing is new
    yield from reported(CHECKS, results, lambda _: LANDED_PREDICTIONS, watch.seconds, [] if results else [LANDED_PREDICTIONS])
