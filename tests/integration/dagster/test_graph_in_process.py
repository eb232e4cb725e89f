"""The graph, executed in process over a small made-up archive: what it materializes, what it checks, what it refuses."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from lineage_collector import Collector, collecting, problems_of
from olist_archive import write_archive

import tradewind_sources
from dagster_project.execution import prepare, prepare_manifest, run_job
from dagster_project.lib.summary import RunSummary
from tradewind_contracts.digests import digest_file
from tradewind_contracts.errors import NotFoundError, QualityError, SettingsError, StateError
from tradewind_contracts.files import sole_holder
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings, use
from tradewind_contracts.tables import TABLES

JOB = "features_only"


@dataclasses.dataclass
class Executed:
    settings: Settings
    summary: RunSummary
    lines: list[tuple[str, str, float | None]]


def execute(settings: Settings) -> Executed:
    lines: list[tuple[str, str, float | None]] = []
    summary = run_job(JOB, settings, lambda step, line, seconds: lines.append((step, line, seconds)))
    return Executed(settings, summary, lines)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp("archive"), orders=600, merchants=25, days=120).path


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory, archive: Path, collector: Collector) -> Executed:
    home = tmp_path_factory.mktemp("home")
    return execute(Settings(home=home, source="olist", data=str(archive), threads=2, openlineage_url=collector.url))


def digests(settings: Settings) -> dict[str, str]:
    return {half: Manifest.read(settings.paths.published / half).digest for half in ("marts", "features")}


def events(executed: Executed, kind: dg.DagsterEventType) -> list[Any]:
    with dg.DagsterInstance.from_config(str(executed.settings.paths.dagster)) as instance:
        found = instance.all_logs(executed.summary.run_id, of_type=kind)
        return [entry.dagster_event.event_specific_data for entry in found]


def test_each_stage_is_materialized_with_its_rows(executed: Executed) -> None:
    stages = {stage.stage: stage for stage in executed.summary.stages}
    assert {"landing", "staging", "intermediate", "marts", "features", "labels", "published", "feature_views"} <= set(stages)
    assert stages["landing"].assets == len(TABLES)
    landed = Manifest.read(executed.settings.paths.landing)
    assert stages["landing"].rows == sum(landed.tables[name].rows for name in TABLES if name in landed.tables)
    published = [Manifest.read(executed.settings.paths.published / half) for half in ("marts", "features")]
    assert stages["published"].rows == sum(table.rows for manifest in published for table in manifest.tables.values())
    assert not any(stage.reused for stage in executed.summary.stages)


def test_the_run_stands_in_the_instance_that_the_ui_shows(executed: Executed) -> None:
    with dg.DagsterInstance.from_config(str(executed.settings.paths.dagster)) as instance:
        run = instance.get_run_by_id(executed.summary.run_id)
        assert run is not None
        assert (run.job_name, run.status) == (JOB, dg.DagsterRunStatus.SUCCESS)
        newest = instance.get_latest_materialization_event(dg.AssetKey(["published", "lbl_parcel__delivery"]))
        assert newest is not None
        assert newest.run_id == executed.summary.run_id


def test_an_endpoint_of_lineage_is_told_of_every_step_and_every_column(executed: Executed, collector: Collector) -> None:
    told = collector.of(executed.summary.run_id)
    assert [problem for event in told for problem in problems_of(event)] == []
    assert [event["eventType"] for event in (told[0], told[-1])] == ["START", "COMPLETE"]
    ended = {event["job"]["name"].rpartition(".")[2]: event for event in told if event["eventType"] == "COMPLETE"}
    assert set(ended) >= {"archives__olist", "land", "dbt_marts", "publish_marts", "dbt_features", "publish_features", "feature_views"}
    started = {event["job"]["name"].rpartition(".")[2] for event in told if event["eventType"] == "START"}
    assert started == set(ended)
    made = {output["name"]: output for event in ended.values() for output in event["outputs"]}
    share = made["warehouse.features.ftr_merchant__handling_90d"]["facets"]["columnLineage"]["fields"]["late_hand_over_share_90d"]
    assert share["inputFields"]
    # The names of what is read are those of what was written.
    written = {(output["namespace"], output["name"]) for output in made.values()}
    sources = {(given["namespace"], given["name"]) for event in ended.values() for given in event["inputs"]}
    assert sources - written == set()
    fields = [
        given
        for output in made.values()
        for field in output["facets"].get("columnLineage", {"fields": {}})["fields"].values()
        for given in field["inputFields"]
    ]
    assert len(fields) > 500
    assert {given["transformations"][0]["type"] for given in fields} == {"DIRECT", "INDIRECT"}
    assert not any(given["field"] == "*" for given in fields)
    assert {(given["namespace"], given["name"]) for given in fields} - written == set()


def test_checks_are_evaluated_with_counts_and_claims(executed: Executed) -> None:
    found = {(e.asset_key, e.check_name): e for e in events(executed, dg.DagsterEventType.ASSET_CHECK_EVALUATION)}
    declared = found[(dg.AssetKey(["landing", "parcels"]), "keeps_its_declaration")]
    assert declared.passed
    assert declared.metadata["claims"].value > 10
    assert "parcel_id is unique" in declared.metadata["outcome"].md_str
    assert found[(dg.AssetKey(["labels", "lbl_parcel__delivery"]), "is_plausible")].passed
    dbt = [name for asset, name in found if asset == dg.AssetKey(["marts", "fct_parcels"]) and name != "is_plausible"]
    assert any(name.startswith("primary_key") for name in dbt)
    assert sum(stage.errors for stage in executed.summary.quality) == 0


def test_progress_tells_of_each_step_as_it_starts_and_ends(executed: Executed) -> None:
    started = [step for step, line, seconds in executed.lines if line == "started"]
    ended = {step: seconds for step, line, seconds in executed.lines if line == "done"}
    assert [step.split("__")[0] for step in started[:2]] == ["archives", "land"]
    assert set(started) == set(ended)
    assert all(seconds is not None and seconds >= 0 for seconds in ended.values())
    assert any("OK created" in line for step, line, _ in executed.lines if step == "dbt_marts")


def test_a_second_run_builds_nothing_and_publishes_the_same(executed: Executed) -> None:
    before = digests(executed.settings)
    files = {path: path.stat().st_mtime_ns for path in executed.settings.paths.published.rglob("*.parquet")}
    again = execute(executed.settings)
    assert digests(executed.settings) == before
    assert {path: path.stat().st_mtime_ns for path in executed.settings.paths.published.rglob("*.parquet")} == files
    assert [stage.stage for stage in again.summary.stages if not stage.reused] == []
    assert {stage.stage: stage.rows for stage in again.summary.stages} == {stage.stage: stage.rows for stage in executed.summary.stages}


def test_a_failed_critical_claim_blocks_publishing_and_the_last_good_manifest_stands(
    executed: Executed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(executed.settings.paths.home, home)
    settings = executed.settings.model_copy(update={"home": home})
    before = digests(settings)
    real = tradewind_sources.land

    def land_with_a_cent_too_much(source: str, data: Path, settings: Settings, progress: Any) -> Any:
        report = real(source, data, settings, progress)
        plant_a_cent(settings.paths.landing)
        return report

    monkeypatch.setattr(tradewind_sources, "land", land_with_a_cent_too_much)
    with pytest.raises(QualityError, match="parcels") as refusal:
        execute(settings)
    assert "price is the sum of its items' prices" in str(refusal.value)
    assert digests(settings) == before


def plant_a_cent(landing: Path) -> None:
    """One parcel costs a cent more than its items: a breach that no archive can bring, because parcels are summed from items."""
    manifest = Manifest.read(landing)
    table = pq.read_table(landing / manifest.table("parcels").path)
    position = table.schema.get_field_index("price")
    first = pa.array([number == 0 for number in range(table.num_rows)])
    cent = pc.cast(pa.scalar("0.01"), pa.decimal128(12, 2))
    dearer = pc.cast(pc.add(table["price"], cent), pa.decimal128(12, 2))
    path = landing / "parcels-planted.parquet"
    pq.write_table(table.set_column(position, table.schema.field(position), pc.if_else(first, dearer, table["price"])), path)
    entry = manifest.table("parcels").model_copy(update={"path": path.name, "digest": digest_file(path)})
    manifest.model_copy(update={"tables": {**manifest.tables, "parcels": entry}}).write(landing)


def test_a_refusal_of_a_step_is_raised_as_itself(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", source="olist", data=str(tmp_path / "nowhere.zip"))
    with pytest.raises(SettingsError, match=r"nowhere\.zip"):
        execute(settings)


def test_a_second_run_in_the_same_world_is_refused_while_the_first_goes_on(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", source="olist", data=str(tmp_path / "nowhere.zip"))
    with (
        sole_holder(settings.paths.world / ".run.lock", "busy"),
        pytest.raises(StateError, match=r"worlds/olist: another run is under way"),
    ):
        execute(settings)


def test_an_unknown_source_is_named_before_anything_is_made(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", source="nowhere")
    with pytest.raises(NotFoundError, match=r"no source 'nowhere'; there are: .*olist"):
        prepare(settings)
    assert not settings.home.exists()


def test_the_graphs_of_two_sources_share_no_manifest(tmp_path: Path) -> None:
    paths = {source: prepare_manifest(Settings(home=tmp_path, source=source)) for source in ("olist", "simulator")}
    for source, path in paths.items():
        nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"]
        assert {key.split("__")[0] for key in nodes if key.startswith("model.tradewind.stg_")} == {f"model.tradewind.stg_{source}"}


def test_the_sensor_asks_once_for_each_state_of_the_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    settings = Settings(home=tmp_path / "home", source="olist", data=str(data))
    prepare(settings)
    from dagster_project.defs.landing.sensors import new_files

    def ask(cursor: str | None) -> Any:
        return new_files(dg.build_sensor_context(cursor=cursor, resources={"settings": settings}))

    (data / "a.zip").write_bytes(b"first")
    first = ask(None)
    assert [request.run_key for request in first.run_requests] == [f"olist-{first.cursor}"]
    assert isinstance(ask(first.cursor), dg.SkipReason)
    (data / "b.zip").write_bytes(b"another")
    second = ask(first.cursor)
    assert len(second.run_requests) == 1
    assert second.cursor != first.cursor
    assert isinstance(ask(second.cursor), dg.SkipReason)


def test_the_sensor_waits_where_there_is_no_data(tmp_path: Path) -> None:
    from dagster_project.defs.landing.sensors import new_files

    settings = Settings(home=tmp_path / "home", source="olist", data=str(tmp_path / "nothing"))
    found = new_files(dg.build_sensor_context(resources={"settings": settings}))
    assert isinstance(found, dg.SkipReason)


def test_a_simulated_world_calls_for_a_run_when_its_manifest_is_swapped(tmp_path: Path) -> None:
    from dagster_project.lib.archives import fingerprint, watched

    settings = Settings(home=tmp_path / "home", source="simulator")
    assert watched(settings) is None
    made_here = settings.paths.simulated
    folder = made_here / "small-0123456789ab"
    (folder / "observed" / "orders").mkdir(parents=True)
    (folder / "observed" / "manifest.json").write_text("one day")
    assert watched(settings) == made_here
    before = fingerprint(folder), fingerprint(made_here)
    (folder / "observed" / "orders" / "2024-01-02.parquet").write_bytes(b"named by no manifest yet")
    assert (fingerprint(folder), fingerprint(made_here)) == before
    (folder / "observed" / "manifest.json").write_text("two days")
    assert fingerprint(folder) != before[0]
    assert fingerprint(made_here) != before[1]


def test_a_run_from_the_ui_holds_its_world_as_a_run_from_the_command_does(tmp_path: Path) -> None:
    """Settings are not handed in here: the resource makes them, as in the process that the UI starts."""
    (tmp_path / "data").mkdir()
    settings = use(home=tmp_path / "home", source="olist", data=str(tmp_path / "data"))
    prepare(settings)
    from dagster_project.defs.landing.assets import archive
    from dagster_project.lib.resources import RESOURCES, sole_run

    def run() -> dg.ExecuteInProcessResult:
        defs = dg.Definitions(assets=[archive], resources=RESOURCES)
        return defs.resolve_implicit_global_asset_job_def().execute_in_process(raise_on_error=False)

    with sole_run(settings):
        refused = run()
    assert not refused.success
    assert "another run is under way here" in str([event.event_specific_data for event in refused.all_events])
    assert run().success
    with sole_run(settings):
        """The run let go of the world when it ended."""


def test_what_stands_in_a_world_is_found_although_another_world_was_made_later(tmp_path: Path) -> None:
    from dagster_project.lib.standing import newest

    key, context = dg.AssetKey(["models", "eta"]), SimpleNamespace(instance=dg.DagsterInstance.ephemeral())
    for world, number in (("olist", 1), ("olist", 2), ("simulator", 3)):
        context.instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata={"world": world, "number": number}))
    found = {world: newest(context, key, Settings(home=tmp_path, source=world)) for world in ("olist", "simulator", "mars")}  # type: ignore[arg-type] # only the instance is asked
    assert found == {"olist": {"world": "olist", "number": 2}, "simulator": {"world": "simulator", "number": 3}, "mars": None}
