"""Quality of what has landed: the declarations, and claims written by hand."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.lib.checks import DECLARATION, PLAUSIBLE, check_specs, reported
from dagster_project.lib.metadata import stopwatch
from dagster_project.lib.specs import key
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES

CLAIMED_BY_HAND = (
    "addresses",
    "calendar",
    "claims",
    "customers",
    "deals",
    "delivery_attempts",
    "hubs",
    "lanes",
    "order_items",
    "orders",
    "outreach",
    "parcels",
    "payments",
    "postal_areas",
    "product_traffic",
    "products",
    "reviews",
    "scan_events",
    "shifts_daily",
    "stock_daily",
    "warehouses",
)
"""Tables with claims of their own (``tradewind_quality.landing``, which would load pandas here); a contract test compares."""

SPECS = [
    *check_specs(
        [key("landing", name) for name in TABLES], DECLARATION, "Types, keys, nulls, ranges and references are the declared ones."
    ),
    *check_specs(
        [key("landing", name) for name in CLAIMED_BY_HAND], PLAUSIBLE, "Sums agree, milestones are in order, shares are plausible."
    ),
]


@dg.multi_asset_check(
    name="landing_quality", specs=SPECS, description="Great Expectations on all landed tables; a failed critical claim stops the run."
)
def landing_quality(context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    from tradewind_contracts.manifest import Manifest
    from tradewind_lifecycle import checking

    with stopwatch() as watch:
        results = checking.check_landing(settings)
    present = Manifest.read(settings.paths.landing).tables
    absent = [key("landing", name) for name in TABLES if name not in present]
    yield from reported(SPECS, results, lambda result: key("landing", result.table), watch.seconds, absent)
