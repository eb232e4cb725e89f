"""Checks of what models are made of and of what they must prove: the training set's claims, one check per gate."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from dagster_project.defs.models.assets import TRAINING_SET, VERSION
from dagster_project.lib.checks import PLAUSIBLE, check_specs, reported
from dagster_project.lib.generated import gates
from dagster_project.lib.metadata import stopwatch
from dagster_project.lib.standing import newest_value
from tradewind_contracts.settings import Settings

SET_SPECS = check_specs([TRAINING_SET], PLAUSIBLE, "Rows are unique and before as_of, no feature is from the future, cold rows are few.")
GATE_SPECS = [
    dg.AssetCheckSpec(name=gate["name"], asset=VERSION, description=f"A gate: {gate['claim']}. Only a version that passes all is served.")
    for gate in gates()
]


@dg.multi_asset_check(name="training_set_quality", specs=SET_SPECS, description="Great Expectations on the training set that was sealed.")
def training_set_quality(context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    from tradewind_lifecycle.quality_results import read_results

    with stopwatch() as watch:
        results = read_results("training_set", settings)
    yield from reported(SET_SPECS, results, lambda _: TRAINING_SET, watch.seconds)


@dg.multi_asset_check(
    name="gates",
    specs=GATE_SPECS,
    description="The verdicts of the version's gates; they block nothing: the alias moves only if all passed.",
)
def gate_checks(context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    from tradewind_registry import RegistryClient, latest_verdicts

    with RegistryClient.open(settings) as registry:
        version = registry.resolve(newest_value(context, VERSION, "reference", settings))
        verdicts = latest_verdicts(registry.verdicts(version))
    for spec in GATE_SPECS:
        verdict = verdicts.get(spec.name)
        metadata: dict[str, Any] = {"version": version.reference, "threshold": verdict.threshold if verdict else 0.0}
        if verdict is not None and verdict.value is not None:
            metadata["value"] = verdict.value
        if verdict is not None and verdict.evidence:
            metadata["evidence"] = dg.MetadataValue.json(verdict.evidence)
        yield dg.AssetCheckResult(
            asset_key=VERSION,
            check_name=spec.name,
            passed=verdict is not None and verdict.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=verdict.reason if verdict else "never judged",
            metadata=metadata,
        )
