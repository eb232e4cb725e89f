"""From the archive, as handed over or simulated, to the landing tables and the world's clock."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.lib.archives import data_of, fingerprint
from dagster_project.lib.metadata import rows, stopwatch, table
from dagster_project.lib.specs import asset, key, owner_of
from dagster_project.lib.standing import newest
from tradewind_contracts.settings import Settings
from tradewind_contracts.settings import settings as present
from tradewind_contracts.tables import TABLES

SOURCE = present().source
ARCHIVE = key("archives", SOURCE)


@dg.multi_asset(
    name=f"archives__{SOURCE}",
    specs=[
        asset(
            "archives",
            SOURCE,
            "The source's files: a zip or a folder, read where they lie (TRADEWIND_DATA). The simulator makes its own where none are given. "
            "A sensor watches them.",
            kinds=["file"],
        )
    ],
)
def archive(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    with stopwatch() as watch:
        data = data_of(settings, context.log.info)
        state = fingerprint(data)
        reused = (newest(context, ARCHIVE, settings) or {}).get("state") == state
    yield dg.MaterializeResult(
        asset_key=ARCHIVE,
        metadata={
            "path": dg.MetadataValue.path(str(data)),
            "given": settings.data_path is not None,
            "state": state,
            "reused": reused,
            "world": settings.world_name,
            "stage_seconds": watch.seconds,
        },
        data_version=dg.DataVersion(state),
    )


@dg.multi_asset(
    name="land",
    description="Validate the archive, quarantine rows that can't be used, land the rest and set the world's clock. Reuses what stands.",
    specs=[
        asset(
            "landing",
            declared.name,
            f"{declared.grain[0].upper()}{declared.grain[1:]}. {declared.description}",
            kinds=["python", "parquet"],
            deps=[ARCHIVE],
            owner=owner_of(declared.owner),
        )
        for declared in TABLES.values()
    ],
)
def land(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    from tradewind_contracts.manifest import Manifest
    from tradewind_sources import land as land_source

    with stopwatch() as watch:
        report = land_source(settings.source, data_of(settings, context.log.info), settings, context.log.info)
    manifest = Manifest.read(settings.paths.landing)
    for name in TABLES:
        found, landed = report.tables.get(name), manifest.tables.get(name)
        yield dg.MaterializeResult(
            asset_key=key("landing", name),
            metadata={
                **rows(landed.rows if landed else 0),
                "source_rows": found.source_rows if found else 0,
                "quarantined": sum(found.quarantined.values()) if found else 0,
                "quarantined_by_reason": table([{"reason": r, "rows": n} for r, n in sorted(found.quarantined.items())] if found else []),
                "flags": table([{"flag": f, "rows": n} for f, n in sorted(found.flagged.items())] if found else []),
                "skipped": report.skipped.get(name, ""),
                "as_of": report.as_of.isoformat(),
                "reused": report.reused,
                "world": settings.world_name,
                "stage_seconds": watch.seconds,
            },
            data_version=dg.DataVersion(landed.digest[:16] if landed else "absent"),
        )
