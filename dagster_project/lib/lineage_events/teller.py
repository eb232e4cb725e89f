"""From the log of a run to OpenLineage's events: the run and each step that makes assets, from START to COMPLETE, FAIL or ABORT."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from importlib.metadata import version as installed_version
from typing import Any

import attr
import dagster as dg
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import RunFacet, error_message_run, job_type_job, parent_run, processing_engine_run

from dagster_project.lib.lineage_events.datasets import VERSION_TAG, Datasets, Made
from tradewind_contracts.instants import UTC, Clock, iso
from tradewind_contracts.settings import Settings

NAMESPACE = "tradewind"
"""Of our jobs. Their names: ``<world>.<job>`` and ``<world>.<job>.<step>``."""
PRODUCER = "urn:tradewind:dagster_project"
_MESSAGE = 1000
"""Letters of an error that are told. Chosen: a refusal is a sentence or two."""


@attr.define
class TradewindRunFacet(RunFacet):
    """Where the run is shown in Dagster's UI, and the world that it works in."""

    page: str
    world: str
    source: str


class Teller:
    """Turns what a run logs into events. Runs have Dagster's id; a step's is derived of it, so that the same step keeps its id."""

    def __init__(self, settings: Settings, run_id: str, job: str, send: Callable[[Callable[[], RunEvent]], None]) -> None:
        self._settings = settings
        self._run_id = run_id
        self._job = f"{settings.world_name}.{job}"
        self._send = send
        self._datasets = Datasets(settings)
        self._made: dict[str, list[Made]] = {}
        self._open: list[str] = []
        self._failed = False

    def begin(self) -> None:
        """The run starts."""
        self._run_event(RunState.START)

    def hear(self, entry: Any) -> None:
        """One entry of the run's event log (Dagster's ``EventLogEntry``)."""
        event, step = entry.dagster_event, entry.step_key
        if event is None or not step:
            return
        at, kind = iso(dt.datetime.fromtimestamp(entry.timestamp, UTC)), event.event_type_value
        if kind == "STEP_START" and self._assets(step):
            self._open.append(step)
            self._step_event(step, RunState.START, at, [])
        elif kind == "ASSET_MATERIALIZATION":
            self._made.setdefault(step, []).append(_made(event.step_materialization_data.materialization))
        elif kind in _ENDS:
            self._failed = self._failed or kind == "STEP_FAILURE"
            if step in self._open:
                self._open.remove(step)
                self._step_event(step, _ENDS[kind], at, self._made.pop(step, []), _message(event) if kind == "STEP_FAILURE" else "")

    def end(self, outcome: str = "") -> None:
        """The run is over, with ``outcome`` (FAIL, ABORT), else as its steps say; steps that never ended were aborted."""
        at = iso(Clock().now())
        for step in self._open:
            self._step_event(step, RunState.ABORT, at, self._made.pop(step, []))
        self._open = []
        self._run_event(RunState(outcome or ("FAIL" if self._failed else "COMPLETE")))

    def _assets(self, step: str) -> Mapping[dg.AssetKey, frozenset[dg.AssetKey]]:
        return _graph().get(step, {})

    def _run_event(self, state: RunState) -> None:
        at = iso(Clock().now())
        self._send(lambda: self._event(state, at, self._run_id, self._job, "JOB", {}))

    def _step_event(self, step: str, state: RunState, at: str, made: list[Made], error: str = "") -> None:
        self._send(lambda: self._of_step(step, state, at, made, error))

    def _of_step(self, step: str, state: RunState, at: str, made: list[Made], error: str) -> RunEvent:
        facets: dict[str, RunFacet] = {
            "parent": parent_run.ParentRunFacet(
                run=parent_run.Run(runId=self._run_id), job=parent_run.Job(namespace=NAMESPACE, name=self._job)
            )
        }
        if error:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(message=error, programmingLanguage="PYTHON")
        event = self._event(state, at, step_run_id(self._run_id, step), f"{self._job}.{step}", "TASK", facets)
        assets = self._assets(step)
        own = set(assets)
        event.inputs = self._datasets.inputs({parent for parents in assets.values() for parent in parents} - own)
        if state is RunState.START:
            event.outputs = self._datasets.expected(assets)
        else:
            event.outputs = [self._datasets.output(each, assets.get(each.asset, frozenset())) for each in made]
        return event

    def _event(self, state: RunState, at: str, run_id: str, job: str, kind: str, facets: Mapping[str, RunFacet]) -> RunEvent:
        own: dict[str, RunFacet] = {
            "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
                name="dagster", version=installed_version("dagster"), openlineageAdapterVersion=installed_version("openlineage-python")
            ),
            "tradewind": TradewindRunFacet(f"/runs/{self._run_id}", self._settings.world_name, self._settings.source),
        }
        type_of = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="DAGSTER", jobType=kind)
        return RunEvent(
            eventType=state,
            eventTime=at,
            run=Run(runId=run_id, facets={**own, **facets}),
            job=Job(namespace=NAMESPACE, name=job, facets={"jobType": type_of}),
            producer=PRODUCER,
        )


def step_run_id(run_id: str, step: str) -> str:
    """The id of a step's run: a UUID of the run's and the step's name."""
    return str(uuid.uuid5(uuid.UUID(run_id), step))


_ENDS = {"STEP_SUCCESS": RunState.COMPLETE, "STEP_FAILURE": RunState.FAIL, "STEP_SKIPPED": RunState.ABORT}


def _made(materialization: dg.AssetMaterialization) -> Made:
    facts = {name: getattr(value, "value", None) for name, value in materialization.metadata.items()}
    plain = {name: value for name, value in facts.items() if isinstance(value, str | int | float | bool)}
    return Made(materialization.asset_key, plain, (materialization.tags or {}).get(VERSION_TAG, ""))


def _message(event: Any) -> str:
    """The refusal as the step raised it, without frames."""
    error = getattr(event.step_failure_data, "error", None)
    while error is not None and getattr(error, "cause", None) is not None:
        error = error.cause
    return str(error.message).strip()[:_MESSAGE] if error is not None else "failed"


def _graph() -> Mapping[str, Mapping[dg.AssetKey, frozenset[dg.AssetKey]]]:
    """By step: the assets that it makes, each with those that it is made of."""
    from dagster_project.definitions import defs

    if not _STEPS:
        graph = defs.resolve_asset_graph()
        for made in graph.assets_defs:
            if made.keys:
                _STEPS[made.node_def.name] = {asset: frozenset(graph.get(asset).parent_keys) for asset in made.keys}
    return _STEPS


_STEPS: dict[str, dict[dg.AssetKey, frozenset[dg.AssetKey]]] = {}
"""Of the graph of this process: it has one source."""
