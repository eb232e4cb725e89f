"""dbt in the graph: where its manifest is, how its models become assets, and how one half is built."""

import contextlib
import functools
import graphlib
import importlib.metadata
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource
from packaging.version import Version

from dagster_project.lib.metadata import rows
from dagster_project.lib.specs import owner_of
from dagster_project.lib.standing import newest
from tradewind_contracts.errors import StateError
from tradewind_contracts.settings import Settings, settings
from tradewind_lifecycle import reuse, warehouse

_TOLD = re.compile(r" OK created | (FAIL|ERROR|WARN) |^Done\. ")
_DOTS = re.compile(r" \.{3,} ")

STANDS = "It held when these tables were built: a half is published only after its tests."
PUBLISHED_BEFORE_FEATURES = dg.AssetKey(["published", "fct_parcels"])
"""Features and labels are built once the marts have passed and been published, as the design's way of the data says."""


def manifest_path() -> Path:
    """The manifest that ``execution.prepare`` parsed for the graph of this process's source."""
    return warehouse.dbt_project_dir() / "target" / settings().source / "manifest.json"


@functools.cache
def manifest() -> Mapping[str, Any]:
    """Dbt's manifest, read once: parsing at load is slow.

    Raises:
        StateError: it has not been made.
    """
    path = manifest_path()
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StateError(f"{path}: dbt has not been parsed yet; `make run` and `make dev` do") from error
    return found


class Translator(DagsterDbtTranslator):
    """Keys [stage, name], groups by stage, owners of dbt's groups, the model's own description; tests become asset checks."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True, enable_source_metadata=False))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Stage (the folder under ``models``) and name; a source's table is a landing table."""
        return dg.AssetKey([stage_of(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The stage."""
        return stage_of(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """The team that the model's dbt group names."""
        group = dbt_resource_props.get("group")
        name = group if isinstance(group, str) else (group or {}).get("name") or "platform"
        return [owner_of(name)]

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The description alone: the SQL is in the repository."""
        return str(dbt_resource_props.get("description") or "").strip()

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """The spec; what belongs to the features half waits for the published marts."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        after = PUBLISHED_BEFORE_FEATURES
        if spec.group_name in ("features", "labels") and all(dep.asset_key != after for dep in spec.deps):
            spec = spec.replace_attributes(deps=[*spec.deps, dg.AssetDep(after)])
        return spec


def stage_of(props: Mapping[str, Any]) -> str:
    """The stage of a dbt node: ``landing`` for sources, else the folder under ``models``."""
    return "landing" if props["resource_type"] == "source" else str(props["fqn"][1])


class WorkspaceDbt(DbtCliResource):
    """The environment's own dbt on this workspace's project.

    Two things that dagster-dbt does before each invocation are left out: asking the executable for its version (a process
    of 3 s; the installed package knows it), and loading dbt's adapter into this process (4 CPU seconds; counts come from
    the warehouse).
    """

    @functools.cached_property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:  # noqa: ARG002 (the signature is dagster-dbt's)
        return None


def dbt() -> WorkspaceDbt:
    """Dbt as the graph runs it."""
    folder = warehouse.dbt_project_dir()
    return WorkspaceDbt(project_dir=str(folder), profiles_dir=str(folder), dbt_executable=str(Path(sys.executable).with_name("dbt")))


def build(half: warehouse.Half, context: dg.AssetExecutionContext, settings: Settings) -> Iterator[Any]:
    """Build and test one half in one `dbt build`, and give its outputs and test results, with row counts.

    Where both halves are published from just these inputs there is nothing to build: the assets say ``reused``, and the
    results of their tests stand.

    Raises:
        QualityError: a model or a test failed; the message names them.
    """
    if reuse.is_published(settings):
        context.log.info(f"the {half} half is published from these inputs already")
        built_from = dg.DataVersion(reuse.build_key(settings)[:16])
        for asset_key in _in_order(context):
            count = (newest(context, asset_key, settings) or {}).get("dagster/row_count")
            known = {} if count is None else rows(int(count))
            yield dg.MaterializeResult(
                asset_key=asset_key,
                metadata={"world": settings.world_name, "reused": True, **known},
                data_version=built_from,
            )
        for check in sorted(context.selected_asset_check_keys, key=str):
            yield dg.AssetCheckResult(
                asset_key=check.asset_key, check_name=check.name, passed=True, description=STANDS, metadata={"reused": True}
            )
        return
    start = warehouse.begin(half, settings, context.log.info)
    reuse.note_build(half, settings)
    with _environment({**warehouse.dbt_environment(settings), **start.variables}):
        invocation = dbt().cli(["build", *start.arguments], context=context, target_path=settings.paths.dbt_target, raise_on_error=False)
        events = list(_told(invocation.stream(), context.log.info))
    if invocation.is_successful():
        start.end(settings)
    counts = _counted(context, settings) if invocation.is_successful() else {}
    built_from = dg.DataVersion(reuse.noted_build(half, settings)[:16])
    for event in events:
        if isinstance(event, dg.Output) and event.output_name in counts:
            metadata = {**event.metadata, "world": settings.world_name, **rows(counts[event.output_name])}
            asset_key = context.assets_def.keys_by_output_name[event.output_name]
            event = dg.MaterializeResult(asset_key=asset_key, metadata=metadata, data_version=built_from)
        yield event
    if not invocation.is_successful():
        raise warehouse.failure(half, settings)


def _in_order(context: dg.AssetExecutionContext) -> list[dg.AssetKey]:
    """The selected assets, each after those that it is made of: Dagster takes them in no other order."""
    made_of = {key: context.assets_def.asset_deps[key] for key in context.selected_asset_keys}
    return [key for key in graphlib.TopologicalSorter(made_of).static_order() if key in made_of]


def _told(stream: Iterable[Any], say: Callable[[str], None]) -> Iterator[Any]:
    """The events; what dagster-dbt writes to standard output meanwhile is told line by line, results of models and failures only."""
    events = iter(stream)
    while True:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            event = next(events, None)
        for line in said.getvalue().splitlines():
            if _TOLD.search(line):
                say(_DOTS.sub(" ", line).strip())
        if event is None:
            return
        yield event


def _counted(context: dg.AssetExecutionContext, settings: Settings) -> dict[str, int]:
    """Rows of each table or view of this op, by output."""
    counts = {}
    with warehouse.connect(settings) as connection:
        for asset_key in context.selected_asset_keys:
            schema, name = asset_key.path
            found = connection.execute(f"select count(*) from {schema}.{name}").fetchone()  # noqa: S608 (names of dbt's models)
            counts[asset_key.to_python_identifier()] = int(found[0]) if found else 0
    return counts


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables for the child process: dagster-dbt hands on this process's environment."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def keys_by_model(half: warehouse.Half) -> dict[str, dg.AssetKey]:
    """The assets of the models that ``half`` publishes, by name."""
    from tradewind_lifecycle.publishing import published_models

    return {model.name: dg.AssetKey([model.schema, model.name]) for model in published_models(half, manifest_path())}
