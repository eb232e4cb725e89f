"""What a run did, for whoever started it: read from its materializations and checks, nothing is measured again."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class StageSummary(BaseModel):
    """One stage: its assets, rows where they have some, seconds of its steps, and whether all of it stood already."""

    model_config = ConfigDict(frozen=True)

    stage: str
    assets: int
    rows: int
    seconds: float
    reused: bool


class QualitySummary(BaseModel):
    """Checks of one stage: how many, how many failed as an error and as a warning, and what failed."""

    model_config = ConfigDict(frozen=True)

    stage: str
    checks: int
    errors: int
    warnings: int
    failed: list[str]


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
        stages=[_stage(name, found, step_seconds) for name, found in stages.items()],
        quality=_quality(events),
        facts={"/".join(m.asset_key.path): _plain(m.metadata) for _, m in made},
    )


def _stage(name: str, found: list[tuple[str, Any]], step_seconds: dict[str, float]) -> StageSummary:
    metadata = [_plain(materialization.metadata) for _, materialization in found]
    return StageSummary(
        stage=name,
        assets=len(found),
        rows=sum(int(values.get("dagster/row_count") or 0) for values in metadata),
        seconds=round(sum(step_seconds.get(step, 0.0) for step in {step for step, _ in found}), 3),
        reused=all(values.get("reused") is True for values in metadata),
    )


def _quality(events: list[Any]) -> list[QualitySummary]:
    evaluations = [e.event_specific_data for e in events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
    by_stage: dict[str, list[Any]] = {}
    for evaluation in evaluations:
        by_stage.setdefault(evaluation.asset_key.path[0], []).append(evaluation)
    return [
        QualitySummary(
            stage=stage,
            checks=len(found),
            errors=sum(not e.passed and e.severity.value == "ERROR" for e in found),
            warnings=sum(not e.passed and e.severity.value == "WARN" for e in found),
            failed=[f"{'/'.join(e.asset_key.path)}: {e.check_name}" for e in found if not e.passed],
        )
        for stage, found in by_stage.items()
    ]


def _plain(metadata: Any) -> dict[str, Any]:
    """Numbers, texts and booleans of metadata; plots and tables are for the UI."""
    values = {name: getattr(value, "value", None) for name, value in metadata.items() if type(value).__name__ != "MarkdownMetadataValue"}
    return {name: value for name, value in values.items() if isinstance(value, str | int | float | bool)}
