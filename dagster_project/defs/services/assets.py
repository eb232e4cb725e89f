"""The Bento of the champion, and what the service made of it answers."""

import json
from collections.abc import Iterator

import dagster as dg

from dagster_project.defs.models.assets import CHAMPION
from dagster_project.lib.generated import FAMILY, service_views, views
from dagster_project.lib.metadata import rows, stopwatch, table
from dagster_project.lib.specs import LOGISTICS, asset, key
from tradewind_contracts.settings import Settings

BENTO, ANSWERS = key("bentos", FAMILY), key("services", FAMILY)
QUESTIONS = 8


@dg.multi_asset(
    name="bentos__eta",
    specs=[
        asset(
            "bentos",
            FAMILY,
            "The service with the champion baked in: our packages that it needs, the serving lock, nothing else.",
            kinds=["bentoml"],
            deps=[CHAMPION],
            owner=LOGISTICS,
        )
    ],
)
def bento(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    from tradewind_lifecycle.bento import build_bento
    from tradewind_registry import RegistryClient

    with stopwatch() as watch:
        with RegistryClient.open(settings) as registry:
            champion = registry.resolve(f"{FAMILY}@champion")
        built = build_bento(settings, champion, context.log.info)
    yield dg.MaterializeResult(
        asset_key=BENTO,
        metadata={
            "tag": built.tag,
            "version": champion.reference,
            "path": dg.MetadataValue.path(str(built.path)),
            "digest": built.digest,
            "reused": built.reused,
            "world": settings.world_name,
            "stage_seconds": watch.seconds,
        },
        data_version=dg.DataVersion(built.digest[:16]),
    )


@dg.multi_asset(
    name="services__eta",
    specs=[
        asset(
            "services",
            FAMILY,
            "The built service, started and asked over HTTP about real orders of the day after the clock; beside each answer what happened.",
            kinds=["bentoml", "python"],
            deps=[BENTO, *(key("online_store", view["name"]) for view in views() if view["name"] in service_views())],
            owner=LOGISTICS,
        )
    ],
)
def answers(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    from tradewind_contracts.files import write_text
    from tradewind_lifecycle.bento import build_bento
    from tradewind_lifecycle.labels import questions
    from tradewind_registry import RegistryClient
    from tradewind_serving.rehearsing import ask, serve

    with stopwatch() as watch:
        with RegistryClient.open(settings) as registry:
            built = build_bento(settings, registry.resolve(f"{FAMILY}@champion"), context.log.info)
        with serve(settings, built.path) as running:
            context.log.info(f"{built.tag} answers at {running.url}")
            asked = ask(running, questions(settings, QUESTIONS).to_pylist())
    out = settings.paths.reports / "questions" / f"{settings.world_name}.json"
    write_text(out, json.dumps([item.model_dump(mode="json") for item in asked], indent=1) + "\n")
    shown = [
        {
            "order": item.order_id[:8],
            "p10": item.answer.estimates.p10.days,
            "p50": item.answer.estimates.p50.days,
            "p90": item.answer.estimates.p90.days,
            "took": item.actual_days,
            "promise": item.marketplace_promise_days,
        }
        for item in asked
    ]
    yield dg.MaterializeResult(
        asset_key=ANSWERS,
        metadata={
            **rows(len(asked)),
            "answers": table(shown),
            "inside": sum(item.is_inside is True for item in asked),
            "file": dg.MetadataValue.path(str(out)),
            "world": settings.world_name,
            "stage_seconds": watch.seconds,
        },
    )
