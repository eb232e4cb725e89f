"""What everybody but dbt reads: Parquet named by its content, and a manifest per half that is swapped at once."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.lib.dbt import keys_by_model
from dagster_project.lib.metadata import rows, stopwatch
from dagster_project.lib.specs import asset, key
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.warehouse import Half


def _publisher(half: Half) -> dg.AssetsDefinition:
    models = keys_by_model(half)

    @dg.multi_asset(
        name=f"publish_{half}",
        description=f"Write the {half} half as Parquet and swap its manifest, once its checks have passed.",
        specs=[
            asset("published", name, f"The table {name} as readers see it.", kinds=["parquet"], deps=[model])
            for name, model in models.items()
        ],
    )
    def publish_half(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
        from tradewind_contracts.manifest import Manifest
        from tradewind_lifecycle import publishing, reuse

        with stopwatch() as watch:
            reused = reuse.is_published(settings)
            if reused:
                published = Manifest.read(settings.paths.published / half)
            else:
                published = publishing.publish(
                    half, settings, say=context.log.info, facts={reuse.BUILD_KEY: reuse.noted_build(half, settings)}
                )
        for name in models:
            table = published.table(name)
            yield dg.MaterializeResult(
                asset_key=key("published", name),
                metadata={
                    **rows(table.rows),
                    "file": table.path,
                    "manifest_digest": published.digest,
                    "reused": reused,
                    "world": settings.world_name,
                    "stage_seconds": watch.seconds,
                },
                data_version=dg.DataVersion(table.digest[:16]),
            )

    return publish_half


publish_marts = _publisher("marts")
publish_features = _publisher("features")
