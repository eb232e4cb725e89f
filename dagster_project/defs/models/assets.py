"""From a sealed training set to the champion, and the champion's scores."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from dagster_project.defs.landing.assets import ARCHIVE
from dagster_project.lib.generated import FAMILY, service_views, views
from dagster_project.lib.lineage import links_of
from dagster_project.lib.metadata import metrics_table, plot, rows, stopwatch, table
from dagster_project.lib.specs import LOGISTICS, SCIENCE, asset, key
from dagster_project.lib.standing import INPUTS, inputs_of, newest, newest_value, standing
from tradewind_contracts.digests import digest_json
from tradewind_contracts.settings import Settings

TRAINING_SET, MODEL = key("training_sets", FAMILY), key("models", FAMILY)
VERSION, CHAMPION, SCORES = key("registry", f"{FAMILY}_version"), key("registry", f"{FAMILY}_champion"), key("scores", f"{FAMILY}_nightly")
NOISE_FLOOR = key("models", f"{FAMILY}_noise_floor")
LABELS = key("published", "lbl_parcel__delivery")


@dg.multi_asset(
    name="training_sets__eta",
    specs=[
        asset(
            "training_sets",
            FAMILY,
            "Every order placed before the world's clock with its features at purchase and its outcome as known then; sealed by digest.",
            kinds=["feast", "parquet"],
            deps=[LABELS, *(key("feature_views", name) for name in service_views())],
            owner=SCIENCE,
        )
    ],
)
def training_set(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    with stopwatch() as watch:
        inputs = inputs_of(settings)
        found = standing(context, TRAINING_SET, inputs, settings)
        reused = found is not None and (settings.paths.training_sets / str(found["digest"])).is_dir()
        if found is not None and reused:
            digest, count, facts = str(found["digest"]), int(found["dagster/row_count"]), str(found["facts"])
        else:
            from tradewind_lifecycle import training

            sealed = training.seal_training_set(settings, context.log.info)
            digest, count, facts = sealed.digest, sealed.rows, json.dumps(sealed.facts, sort_keys=True, default=str)
    metadata = {
        **rows(count),
        "digest": digest,
        "facts": facts,
        INPUTS: inputs,
        "reused": reused,
        "world": settings.world_name,
        "stage_seconds": watch.seconds,
    }
    yield dg.MaterializeResult(asset_key=TRAINING_SET, metadata=metadata, data_version=dg.DataVersion(digest[:16]))


@dg.multi_asset(
    name="models__eta",
    specs=[
        asset(
            "models",
            FAMILY,
            "Trees for p10, p50 and p90 of days from purchase to delivery, calibrated, judged on the days after the fit, bundled in open formats.",
            kinds=["lightgbm", "python"],
            deps=[TRAINING_SET],
            owner=SCIENCE,
        )
    ],
)
def model(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    from tradewind_lifecycle.candidates import fit_candidate
    from tradewind_lifecycle.sealing import evaluation_fields
    from tradewind_models.eta.evaluation import MODEL as OWN_NAME

    with stopwatch() as watch:
        digest = newest_value(context, TRAINING_SET, "digest", settings)
        candidate = fit_candidate(settings, digest, progress=context.log.info)
        fields = evaluation_fields(candidate.evaluation, OWN_NAME)
    importance = sorted(candidate.importance.items(), key=lambda item: -item[1])
    yield dg.MaterializeResult(
        asset_key=MODEL,
        metadata={
            **rows(fields["rows"]),
            "metrics": metrics_table({FAMILY: fields["metrics"], **fields["baselines"]}),
            **{f"metric/{name}": value for name, value in fields["metrics"].items() if value is not None},
            "importance": table([{"feature": name, "share of gain": share} for name, share in importance]),
            "training_set": digest,
            "inputs_key": candidate.inputs_key,
            "bundle": dg.MetadataValue.path(str(candidate.bundle)),
            "reused": candidate.reused,
            "world": settings.world_name,
            "stage_seconds": watch.seconds,
        },
        data_version=dg.DataVersion(candidate.inputs_key[:16]),
    )


@dg.multi_asset(
    name="registry__eta_version",
    specs=[
        asset(
            "registry",
            f"{FAMILY}_version",
            "The sealed version of these inputs with the verdicts of its gates, its model card and plots. Equal inputs register nothing.",
            kinds=["python", "sqlite"],
            deps=[MODEL, *(key("online_store", view["name"]) for view in views() if view["name"] in service_views())],
            owner=SCIENCE,
        )
    ],
)
def version(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    from tradewind_lifecycle import cards, gating, training
    from tradewind_lifecycle.candidates import fit_candidate

    with stopwatch() as watch:
        candidate = fit_candidate(settings, newest_value(context, TRAINING_SET, "digest", settings))
        found, reused = training.register_candidate(settings, candidate, context.run_id)
        context.log.info(f"{found.reference}: {'known already' if reused else 'registered'}")
        verdicts = gating.run_gates(settings, candidate, found, context.run_id)
        card = training.card_of(settings, found)
    folder = cards.report_folder(settings, found)
    plots = {path.stem: path for path in sorted(folder.glob("*.svg"))}
    context.log.info(f"{found.reference}: {sum(v.passed for v in verdicts)} of {len(verdicts)} gates passed")
    yield dg.MaterializeResult(
        asset_key=VERSION,
        metadata={
            "reference": found.reference,
            "metrics": metrics_table({found.reference: found.metrics, **found.baselines}),
            "gates": table([{"gate": v.gate, "passed": "yes" if v.passed else "NO", "why": v.reason} for v in verdicts]),
            "verdicts": dg.MetadataValue.json([v.model_dump(mode="json") for v in verdicts]),
            **{f"plot/{name}": plot(path, name.replace("_", " ")) for name, path in plots.items()},
            **links_of(found, card, TRAINING_SET, settings),
            "bundle_digest": found.bundle_digest,
            "reused": reused,
            "world": settings.world_name,
            "stage_seconds": watch.seconds,
        },
        data_version=dg.DataVersion(found.bundle_digest[:16]),
    )


@dg.multi_asset(
    name="models__eta_noise_floor",
    specs=[
        asset(
            "models",
            f"{FAMILY}_noise_floor",
            "The version's error and the baselines' beside the error that nobody could avoid, where a simulator planted the truth. An "
            "evaluation, after the version is sealed: no model, gate or bundle reads it. It proves the code, never the method.",
            kinds=["python"],
            deps=[MODEL, VERSION, ARCHIVE],
            owner=SCIENCE,
        )
    ],
)
def noise_floor(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    from tradewind_lifecycle import noise_floor as floors
    from tradewind_lifecycle.candidates import fit_candidate

    with stopwatch() as watch:
        candidate = fit_candidate(settings, newest_value(context, TRAINING_SET, "digest", settings))
        data = Path(newest_value(context, ARCHIVE, "path", settings))
        found = floors.floor_of_scores(settings, data, candidate.predictions, newest_value(context, VERSION, "reference", settings))
    digest = digest_json(found if isinstance(found, str) else found.model_dump())[:16]
    reused = (newest(context, NOISE_FLOOR, settings) or {}).get("digest") == digest
    seen = {"digest": digest, "reused": reused, "world": settings.world_name, "stage_seconds": watch.seconds}
    if isinstance(found, str):
        context.log.info(found)
        yield dg.MaterializeResult(asset_key=NOISE_FLOOR, metadata={"skipped": found, **seen}, data_version=dg.DataVersion(digest))
        return
    context.log.info(f"noise floor {found.floor_mae_days:.3f} days; {found.model} stands at {found.ratios[found.model]:.3f} of it")
    yield dg.MaterializeResult(
        asset_key=NOISE_FLOOR,
        metadata={
            **rows(found.parcels),
            "floor_mae_days": found.floor_mae_days,
            "errors": table([{"who": who, "MAE, days": mae, "of the floor": found.ratios[who]} for who, mae in found.mae_days.items()]),
            **{f"ratio/{FAMILY if who == found.model else who}": ratio for who, ratio in found.ratios.items()},
            **{f"planted_level/{level}": share for level, share in found.planted_levels.items()},
            **{f"quantile_gap_days/{level}": days for level, days in found.quantile_gap_days.items()},
            "version": found.model,
            "data_kind": found.data_kind,
            "report": dg.MetadataValue.path(str(floors.report_path(settings))),
            **seen,
        },
        data_version=dg.DataVersion(digest),
    )


@dg.multi_asset(
    name="registry__eta_champion",
    specs=[
        asset(
            "registry",
            f"{FAMILY}_champion",
            "The alias that services of this world follow. It moves only to a version that passed every gate; else the one before stays.",
            kinds=["python", "sqlite"],
            deps=[VERSION],
            owner=SCIENCE,
        )
    ],
)
def champion(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    from tradewind_lifecycle import training
    from tradewind_registry import Registry

    with stopwatch() as watch:
        registry = Registry.open(settings)
        found = registry.resolve(newest_value(context, VERSION, "reference", settings))
        promoted = training.promote_candidate(settings, found, context.run_id, context.log.info)
        stands = training.champion_after(settings, found)
        history = registry.history(FAMILY)
    context.log.info(f"champion: {stands.reference}{' (moved)' if promoted else ''}")
    yield dg.MaterializeResult(
        asset_key=CHAMPION,
        metadata={
            "reference": stands.reference,
            "moved": promoted,
            "history": table([{"at": m.moved_at.isoformat(), "to": m.to_number, "who": m.who, "why": m.why} for m in history]),
            "reused": not promoted,
            "world": settings.world_name,
            "stage_seconds": watch.seconds,
        },
        data_version=dg.DataVersion(stands.bundle_digest[:16]),
    )


@dg.multi_asset(
    name="scores__eta_nightly",
    specs=[
        asset(
            "scores",
            f"{FAMILY}_nightly",
            "The champion's quantiles for the orders of the day before the world's clock, one row per parcel, beside promise and lane median.",
            kinds=["parquet", "lightgbm"],
            deps=[CHAMPION, LABELS, *(key("feature_views", name) for name in service_views())],
            owner=LOGISTICS,
        )
    ],
)
def scores(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
    from tradewind_registry import RegistryClient

    with stopwatch() as watch:
        with RegistryClient.open(settings) as registry:
            reference = registry.resolve(f"{FAMILY}@champion").reference
        inputs = inputs_of(settings, version=reference)
        before = standing(context, SCORES, inputs, settings)
        if before is not None:
            count, out = int(before["dagster/row_count"]), str(before["file"])
        else:
            from tradewind_lifecycle.scoring import score_last_day

            report = score_last_day(settings, context.log.info)
            count, out = report.rows, str(report.out)
    metadata = {
        **rows(count),
        "version": reference,
        "file": out,
        INPUTS: inputs,
        "reused": before is not None,
        "world": settings.world_name,
        "stage_seconds": watch.seconds,
    }
    yield dg.MaterializeResult(asset_key=SCORES, metadata=metadata, data_version=dg.DataVersion(inputs[:16]))
