"""Parity: what a service reads is what a training set would have."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.lib.checks import check_specs, reported
from dagster_project.lib.generated import on_demand_views, service_views
from dagster_project.lib.metadata import stopwatch
from dagster_project.lib.specs import key
from dagster_project.lib.standing import inputs_of
from tradewind_contracts.settings import Settings

SUITE = "parity"
# What is computed at request time has no rows online: its comparison is shown with the first view that it reads.
ONLINE = {name: key("online_store", name) for name in service_views() if name not in {view["name"] for view in on_demand_views()}}
SHOWN_AT = {**ONLINE, **{view["name"]: key("online_store", view["inputs"][0]) for view in on_demand_views()}}
SPECS = check_specs(
    ONLINE.values(),
    SUITE,
    "Sampled online vectors, derived again offline for the same instant, are equal. A gate stands on it, so it blocks nothing itself.",
    blocking=False,
)


@dg.multi_asset_check(name="parity", specs=SPECS, description="Online equals offline, feature by feature, within 1e-6.")
def parity(context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    from tradewind_contracts.verdicts import CheckResult
    from tradewind_lifecycle import checking

    def evaluate() -> list[CheckResult]:
        # Feast is loaded only where there is something to compare anew.
        from tradewind_lifecycle.parity import check_parity

        return check_parity(settings)

    served = sorted(path.name for path in settings.paths.served_vectors.glob("[!.]*.parquet"))
    with stopwatch() as watch:
        results = checking.kept(SUITE, {"inputs": inputs_of(settings), "served": served}, evaluate, settings)
    yield from reported(
        SPECS, [result for result in results if result.table in SHOWN_AT], lambda result: SHOWN_AT[result.table], watch.seconds
    )
