"""dbt's models: staging to marts, then features and labels. Each half is one `dbt build` with its tests."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from dagster_project.lib.dbt import Translator, build, manifest
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.warehouse import SELECTORS


@dbt_assets(manifest=manifest(), select=SELECTORS["marts"], name="dbt_marts", dagster_dbt_translator=Translator())
def dbt_marts(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[Any]:
    yield from build("marts", context, settings)


@dbt_assets(manifest=manifest(), select=SELECTORS["features"], name="dbt_features", dagster_dbt_translator=Translator())
def dbt_features(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[Any]:
    yield from build("features", context, settings)
