"""Parity: what a service reads is what a training set would have. Leaks: no feature uses the future."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.lib.checks import check_specs, reported
from dagster_project.lib.generated import FAMILY, on_demand_views, service_views, views
from dagster_project.lib.metadata import stopwatch
from dagster_project.lib.specs import key
from dagster_project.lib.standing import newest_value
from tradewind_contracts.settings import Settings

PARITY, REWRITTEN, CANARY, POWER = "parity", "is_never_rewritten", "sees_no_future", "is_not_too_good_to_be_true"
"""Suites of lifecycle's results, which name the checks."""
# What is computed at request time has no rows online: its comparison is shown with the first view that it reads.
ONLINE = {name: key("online_store", name) for name in service_views() if name not in {view["name"] for view in on_demand_views()}}
SHOWN_AT = {**ONLINE, **{view["name"]: key("online_store", view["inputs"][0]) for view in on_demand_views()}}
PUBLISHED = {view["model"]: key("published", view["model"]) for view in views()}
TRAINING_SET = key("training_sets", FAMILY)
SPECS = check_specs(
    ONLINE.values(),
    PARITY,
    "Recorded online vectors, derived again offline for the same instants, are equal. A gate stands on it, so it blocks nothing itself.",
    blocking=False,
)
REWRITTEN_SPECS = check_specs(
    PUBLISHED.values(), REWRITTEN, "No row that was visible has changed or vanished since the publication before, or since less was known."
)
CANARY_SPECS = check_specs(
    [TRAINING_SET], CANARY, "A planted view of the outcome, created when it was known and stamped at the order, reaches no training row."
)
POWER_SPECS = check_specs(
    [TRAINING_SET], POWER, "No feature alone tells the outcome, nor owes its power to the last day. Statistical: it warns.", blocking=False
)


@dg.multi_asset_check(name="parity", specs=SPECS, description="Online equals offline, feature by feature, within 1e-6.")
def parity(context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    from tradewind_lifecycle import guards

    with stopwatch() as watch:
        results = guards.parity(settings)
    yield from reported(
        SPECS, [result for result in results if result.table in SHOWN_AT], lambda result: SHOWN_AT[result.table], watch.seconds
    )


@dg.multi_asset_check(
    name="leaks_in_features", specs=REWRITTEN_SPECS, description="A feature that peeks into the future changes when the future arrives."
)
def leaks_in_features(context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    from tradewind_lifecycle import guards

    with stopwatch() as watch:
        results = guards.leaks_in_features(settings, context.log.info)
    yield from reported(
        REWRITTEN_SPECS, [result for result in results if result.table in PUBLISHED], lambda result: PUBLISHED[result.table], watch.seconds
    )


@dg.multi_asset_check(
    name="leaks_in_training_set",
    specs=[*CANARY_SPECS, *POWER_SPECS],
    description="The join lets nothing through that was not known yet, and no feature is too good to be true.",
)
def leaks_in_training_set(context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    from tradewind_lifecycle import guards

    digest = newest_value(context, TRAINING_SET, "digest", settings)
    with stopwatch() as watch:
        results = guards.leaks_in_training_set(settings, digest)
    yield from reported([*CANARY_SPECS, *POWER_SPECS], results, lambda _: TRAINING_SET, watch.seconds)
