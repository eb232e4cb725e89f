"""Quality of what dbt built, before anything of it is published."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.lib.checks import PLAUSIBLE, check_specs, reported
from dagster_project.lib.dbt import keys_by_model
from dagster_project.lib.metadata import stopwatch
from tradewind_contracts.settings import Settings

MARTS, FEATURES = keys_by_model("marts"), keys_by_model("features")
MART_SPECS = check_specs(MARTS.values(), PLAUSIBLE, "Joins and sums keep what landed; times and shares are plausible.")
FEATURE_SPECS = check_specs(FEATURES.values(), PLAUSIBLE, "Nothing is created before its event; counts, shares and durations are in range.")


@dg.multi_asset_check(
    name="marts_quality", specs=MART_SPECS, description="Great Expectations on the marts; a failed critical claim blocks publishing."
)
def marts_quality(context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    from tradewind_lifecycle import checking

    with stopwatch() as watch:
        results = checking.check_half("marts", settings)
    yield from reported(MART_SPECS, results, lambda result: MARTS[result.table], watch.seconds)


@dg.multi_asset_check(
    name="features_quality",
    specs=FEATURE_SPECS,
    description="Great Expectations on features and labels; a failed critical claim blocks publishing.",
)
def features_quality(context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    from tradewind_lifecycle import checking

    with stopwatch() as watch:
        results = checking.check_half("features", settings)
    yield from reported(FEATURE_SPECS, results, lambda result: FEATURES[result.table], watch.seconds)
