"""What a run did, for whoever started it: read from its materializations and checks, nothing is measured again."""

from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict

DBT_DURATION = "Execution Duration"
"""How dagster-dbt calls the seconds that a model took."""


class StageSummary(BaseModel):
    """One stage: its assets, rows where they have some, seconds, and whether all of it stood already.

    A step that makes assets of several stages (a `dbt build`) is shared out by what each model took.
    """

    model_config = ConfigDict(frozen=True)

    stage: str
    assets: int
    rows: int
    seconds: float
    reused: bool


class QualitySummary(BaseModel):
    """Checks of one stage: how many, how many failed as an error and as a warning, what failed, and seconds of steps that only check."""

    model_config = ConfigDict(frozen=True)

    stage: str
    checks: int
    errors: int
    warnings: int
    failed: list[str]
    seconds: float = 0.0


class RunSummary(BaseModel):
    """A run: stages in order, quality, and what the models' assets said (metadata by asset, plain values)."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    seconds: float
    step_seconds: dict[str, float]
    stages: list[StageSummary]
    quality: list[QualitySummary]
    facts: dict[str, dict[str, Any]]


def summarise(result: Any, seconds: float) -> RunSummary:
    """The summary of an in-process run that took ``seconds``."""
    events = result.all_events
    step_seconds = {e.step_key: round(e.step_success_data.duration_ms / 1000, 3) for e in events if e.event_type_value == "STEP_SUCCESS"}
    made = [(e.step_key, e.step_materialization_data.materialization) for e in events if e.event_type_value == "ASSET_MATERIALIZATION"]
    stages: dict[str, list[tuple[str, Any]]] = {}
    for step, materialization in made:
        stages.setdefault(materialization.asset_key.path[0], []).append((step, materialization))
    return RunSummary(
        run_id=result.run_id,
        seconds=round(seconds, 3),
        step_seconds=step_seconds,
        stages=[_stage(name, found, _shares(made, step_seconds)) for name, found in stages.items()],
        quality=_quality(events, {step: taken for step, taken in step_seconds.items() if step not in {made_by for made_by, _ in made}}),
        facts={"/".join(m.asset_key.path): _plain(m.metadata) for _, m in made},
    )


def _shares(made: list[tuple[str, Any]], step_seconds: dict[str, float]) -> dict[str, float]:
    """Seconds of each asset: its step's, shared out by dbt's durations where it tells them, else evenly."""
    weights: dict[str, dict[str, float]] = {}
    for step, materialization in made:
        told = _plain(materialization.metadata).get(DBT_DURATION)
        weights.setdefault(step, {})["/".join(materialization.asset_key.path)] = float(told) if told else 1e-3
    return {asset: step_seconds.get(step, 0.0) * own / sum(of.values()) for step, of in weights.items() for asset, own in of.items()}


def _stage(name: str, found: list[tuple[str, Any]], asset_seconds: dict[str, float]) -> StageSummary:
    metadata = [_plain(materialization.metadata) for _, materialization in found]
    return StageSummary(
        stage=name,
        assets=len(found),
        rows=sum(int(values.get("dagster/row_count") or 0) for values in metadata),
        seconds=round(sum(asset_seconds["/".join(materialization.asset_key.path)] for _, materialization in found), 3),
        reused=all(values.get("reused") is True for values in metadata),
    )


def _quality(events: list[Any], check_seconds: dict[str, float]) -> list[QualitySummary]:
    by_stage: dict[str, list[tuple[str, Any]]] = {}
    for event in events:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            by_stage.setdefault(event.event_specific_data.asset_key.path[0], []).append((event.step_key, event.event_specific_data))
    evaluated = Counter(step for found in by_stage.values() for step, _ in found)
    each = {step: taken / evaluated[step] for step, taken in check_seconds.items() if step in evaluated}
    return [_checked(stage, found, each) for stage, found in by_stage.items()]


def _checked(stage: str, found: list[tuple[str, Any]], seconds_each: dict[str, float]) -> QualitySummary:
    failed = [evaluation for _, evaluation in found if not evaluation.passed]
    return QualitySummary(
        stage=stage,
        checks=len(found),
        errors=sum(evaluation.severity.value == "ERROR" for evaluation in failed),
        warnings=sum(evaluation.severity.value == "WARN" for evaluation in failed),
        failed=[f"{'/'.join(evaluation.asset_key.path)}: {evaluation.check_name}" for evaluation in failed],
        seconds=round(sum(seconds_each.get(step, 0.0) for step, _ in found), 3),
    )


def _plain(metadata: Any) -> dict[str, Any]:
    """Numbers, texts and booleans of metadata; plots and tables are for the UI."""
    values = {name: getattr(value, "value", None) for name, value in metadata.items() if type(value).__name__ != "MarkdownMetadataValue"}
    return {name: value for name, value in values.items() if isinstance(value, str | int | float | bool)}
