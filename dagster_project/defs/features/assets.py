"""Feature views as Feast has them, and the online store up to the world's clock."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.lib.generated import on_demand_views, views
from dagster_project.lib.metadata import rows, stopwatch, table
from dagster_project.lib.specs import asset, key, owner_of
from dagster_project.lib.standing import INPUTS, inputs_of, standing
from tradewind_contracts.settings import Settings

FIRST = views()[0]["name"]


@dg.multi_asset(
    name="feature_views",
    description="Make Feast's registry equal to feature_repo, over what is published now.",
    specs=[
        *(
            asset(
                "feature_views",
                view["name"],
                f"{view['description']} One row per {view['entity']} and day; valid for {view['ttl_hours']:g} hours (0: for ever).",
                kinds=["feast", "parquet"],
                deps=[key("published", view["model"])],
                owner=owner_of(view["owner"]),
                metadata={
                    "columns": table([{"column": c["name"], "type": c["type"], "meaning": c["description"]} for c in view["columns"]])
                },
            )
            for view in views()
        ),
        *(
            asset(
                "feature_views",
                view["name"],
                f"{view['description']} Computed at request time, by the same function in training and service.",
                kinds=["feast", "python"],
                deps=[key("feature_views", name) for name in view["inputs"]],
                owner=owner_of(view["owner"]),
                metadata={
                    "columns": table([{"column": c["name"], "type": c["type"], "meaning": c["description"]} for c in view["columns"]])
                },
            )
            for view in on_demand_views()
        ),
    ],
)
def feature_views(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    with stopwatch() as watch:
        inputs = inputs_of(settings)
        reused = settings.paths.feast_registry.exists() and standing(context, key("feature_views", FIRST), inputs, settings) is not None
        digests: dict[str, str] = {}
        if not reused:
            from tradewind_lifecycle import feature_store

            digests = feature_store.apply(settings, context.log.info).digests
    for view in (*views(), *on_demand_views()):
        digest = {"spec_digest": digests[view["name"]]} if view["name"] in digests else {}
        yield dg.MaterializeResult(
            asset_key=key("feature_views", view["name"]),
            metadata={
                "features": len(view["columns"]),
                **digest,
                INPUTS: inputs,
                "reused": reused,
                "world": settings.world_name,
                "stage_seconds": watch.seconds,
            },
            data_version=dg.DataVersion(inputs[:16]),
        )


@dg.multi_asset(
    name="online_store",
    description="Fill the online store up to the world's clock, straight from Arrow.",
    specs=[
        asset(
            "online_store",
            view["name"],
            f"The newest row of each {view['entity']} at the world's clock, packed: what a service reads.",
            kinds=["sqlite", "feast"],
            deps=[key("feature_views", view["name"])],
            owner=owner_of(view["owner"]),
        )
        for view in views()
    ],
)
def online_store(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    from tradewind_contracts.world import World
    from tradewind_lifecycle import online_store as filling

    with stopwatch() as watch:
        inputs = inputs_of(settings)
        before = {view["name"]: standing(context, key("online_store", view["name"]), inputs, settings) for view in views()}
        stands = all(before.values()) and filling.has_online_store(settings)
        made: dict[str, dict[str, object]] = {}
        if not stands:
            report = filling.materialize(settings, context.log.info)
            made = {view.view: {**view.model_dump(), "reused": False} for view in report.views}
    for view in views():
        found = made.get(view["name"]) or {**(before[view["name"]] or {}), "reused": True, "scanned": 0, "offered": 0, "written": 0}
        yield dg.MaterializeResult(
            asset_key=key("online_store", view["name"]),
            metadata={
                **rows(int(str(found.get("rows", found.get("dagster/row_count", 0))))),
                "entities": int(str(found["entities"])),
                **{name: int(str(found[name])) for name in ("expired", "scanned", "offered", "written")},
                "mode": str(found["mode"]),
                "as_of": World.read(settings.paths.world_file).clock.now().isoformat(),
                INPUTS: inputs,
                "reused": bool(found["reused"]),
                "world": settings.world_name,
                "stage_seconds": watch.seconds,
            },
            data_version=dg.DataVersion(inputs[:16]),
        )
