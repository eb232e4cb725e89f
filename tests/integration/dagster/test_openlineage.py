"""Events of a run as an OpenLineage endpoint gets them, and a run that does not care whether there is one."""

import logging
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from lineage_collector import Collector, collecting, problems_of

from dagster_project.lib import telling as telling_module
from dagster_project.lib.lineage_events import sending, teller
from dagster_project.lib.lineage_events.teller import step_run_id
from dagster_project.lib.telling import telling
from tradewind_contracts.errors import QualityError
from tradewind_contracts.settings import Settings

SECRET = "key-that-nobody-may-see"


@dg.asset(key=["landing", "parcels"])
def parcels() -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(
        metadata={"dagster/row_count": 3, "digest": "abc", "samples": "row 7 of Mr Silva"}, data_version=dg.DataVersion("v1")
    )


@dg.asset(key=["marts", "fct_parcels"], deps=[["landing", "parcels"]])
def fct_parcels() -> None:
    pass


@dg.asset(key=["published", "fct_parcels"], deps=[["marts", "fct_parcels"]])
def published() -> None:
    raise QualityError("orders.zip: 3 parcels arrive before they leave")


ASSETS = [parcels, fct_parcels, published]


@pytest.fixture(autouse=True)
def small_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of these assets instead of the workspace's."""
    steps = {each.node_def.name: {key: frozenset(each.asset_deps[key]) for key in each.keys} for each in ASSETS}
    monkeypatch.setattr(teller, "_STEPS", steps)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def settings_of(home: Path, url: str) -> Settings:
    return Settings(home=home, source="olist", openlineage_url=url, openlineage_api_key=SECRET)  # type: ignore[arg-type]  # pydantic takes the text


def run(settings: Settings, *assets: Any) -> tuple[str, bool, list[str], float]:
    """The run's id, whether it went well, what was said of OpenLineage, and seconds."""
    run_id, said = str(uuid.uuid4()), []
    job = dg.Definitions(assets=list(assets), jobs=[dg.define_asset_job("small")], executor=dg.in_process_executor).resolve_job_def("small")
    started = time.monotonic()
    with dg.DagsterInstance.ephemeral() as instance, telling(settings, instance, run_id, "small", said.append):
        done = job.execute_in_process(instance=instance, run_id=run_id, raise_on_error=False)
    return run_id, done.success, said, time.monotonic() - started


def test_a_run_and_its_steps_start_and_complete_with_what_they_read_and_write(collector: Collector, tmp_path: Path) -> None:
    run_id, success, said, _ = run(settings_of(tmp_path, collector.url), parcels, fct_parcels)
    assert (success, said) == (True, [])
    assert [(event["job"]["name"], event["eventType"]) for event in collector.events] == [
        ("olist.small", "START"),
        ("olist.small.landing__parcels", "START"), ("olist.small.landing__parcels", "COMPLETE"),
        ("olist.small.marts__fct_parcels", "START"), ("olist.small.marts__fct_parcels", "COMPLETE"),
        ("olist.small", "COMPLETE"),
    ]  # fmt: skip
    assert [problem for event in collector.events for problem in problems_of(event)] == []
    assert {event["run"]["runId"] for event in collector.events} == {run_id, step_run_id(run_id, "landing__parcels"), step_run_id(run_id, "marts__fct_parcels")}  # fmt: skip
    assert set(collector.paths) == {"/api/v1/lineage"}
    assert set(collector.keys) == {f"Bearer {SECRET}"}
    landed, built = collector.events[2]["outputs"][0], collector.events[4]
    assert (landed["namespace"], landed["name"]) == ("file", str(tmp_path / "worlds/olist/landing/parcels"))
    assert landed["facets"]["version"]["datasetVersion"] == "v1"
    assert landed["facets"]["tradewind"]["facts"] == {"digest": "abc"}
    assert landed["outputFacets"]["outputStatistics"]["rowCount"] == 3
    assert "Silva" not in str(collector.events), "nothing of any row goes out"
    assert [(each["namespace"], each["name"]) for each in built["inputs"]] == [("file", landed["name"])]
    output = built["outputs"][0]
    assert (output["namespace"], output["name"]) == (
        f"duckdb://{tmp_path / 'worlds/olist/warehouse/warehouse.duckdb'}",
        "warehouse.marts.fct_parcels",
    )
    assert "columnLineage" not in output["facets"], "of another source's staging it tells nothing"


def test_a_step_that_fails_says_why_and_the_run_fails_with_it(collector: Collector, tmp_path: Path) -> None:
    _, success, said, _ = run(settings_of(tmp_path, collector.url), parcels, published)
    assert (success, said) == (False, [])
    ends = {event["job"]["name"]: event for event in collector.events}
    assert {name: event["eventType"] for name, event in ends.items()} == {
        "olist.small": "FAIL", "olist.small.landing__parcels": "COMPLETE", "olist.small.published__fct_parcels": "FAIL"
    }  # fmt: skip
    failed = ends["olist.small.published__fct_parcels"]
    assert "3 parcels arrive before they leave" in failed["run"]["facets"]["errorMessage"]["message"]
    assert [problem for event in collector.events for problem in problems_of(event)] == []


def test_what_is_interrupted_is_aborted(collector: Collector, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, collector.url)
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(KeyboardInterrupt),
        telling(settings, instance, str(uuid.uuid4()), "small", print),
    ):
        raise KeyboardInterrupt
    assert [event["eventType"] for event in collector.events] == ["START", "ABORT"]


@pytest.mark.parametrize("kind", ["nobody answers", "an error is answered", "the address is none"])
def test_without_an_endpoint_that_takes_events_the_run_goes_on_and_says_it_once(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with collecting(status=503) as refusing:
        pass
    with collecting(status=503) as failing, caplog.at_level(logging.DEBUG):
        url = {"nobody answers": refusing.url, "an error is answered": failing.url, "the address is none": "localhost:5000"}[kind]
        _, success, said, _ = run(settings_of(tmp_path, url), parcels, fct_parcels)
    assert success
    assert len(said) == 1
    assert said[0].startswith("OpenLineage: ")
    assert said[0].endswith("the run goes on without telling it")
    assert {
        "nobody answers": "ConnectionError",
        "an error is answered": "it answered 503",
        "the address is none": "TRADEWIND_OPENLINEAGE_URL",
    }[kind] in said[0]
    assert len(failing.events) == (sending.TRIES if kind == "an error is answered" else 0), "an outage is not knocked at for ever"
    assert SECRET not in caplog.text + said[0]


def test_an_endpoint_that_hangs_holds_a_run_up_by_no_more_than_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending.Sender.__init__, "__defaults__", (0.5,))
    with collecting(delay=1.5) as slow:
        _, success, said, seconds = run(settings_of(tmp_path, slow.url), parcels, fct_parcels)
        _, _, _, without = run(Settings(home=tmp_path, source="olist"), parcels, fct_parcels)
    assert success
    assert len(said) == 1
    assert "within 0.5 s" in said[0]
    assert seconds < without + 0.5 + 1.0


def test_an_entry_that_can_not_be_read_fails_nobody(collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(teller.Teller, "hear", broken)
    _, success, said, _ = run(settings_of(tmp_path, collector.url), parcels)
    assert success
    assert len(said) == 1


@pytest.mark.parametrize("step", ["begin", "end"])
def test_a_beginning_or_an_end_that_fails_is_said_and_fails_nobody(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("not as we know it")

    monkeypatch.setattr(teller.Teller, step, broken)
    _, success, said, _ = run(settings_of(tmp_path, collector.url), parcels, fct_parcels)
    assert success
    assert len(said) == 1
    assert "RuntimeError" in said[0]


def test_where_no_endpoint_is_set_nothing_is_loaded_and_nothing_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a sender was made")

    monkeypatch.setattr(sending, "sender", refuse)
    _, success, said, _ = run(Settings(home=tmp_path, source="olist"), parcels)
    assert (success, said) == (True, [])
    assert not any(name.startswith("openlineage") for name in vars(telling_module))


def test_a_run_of_the_ui_is_told_through_the_resource_that_it_holds(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_project.lib import resources

    settings = settings_of(tmp_path, collector.url)
    settings.paths.world.mkdir(parents=True)
    monkeypatch.setattr(resources, "settings", lambda: settings)

    @dg.asset(key=["landing", "parcels"])
    def held(settings: dg.ResourceParam[Settings]) -> None:
        assert settings.source == "olist"

    definitions = dg.Definitions(
        assets=[held], jobs=[dg.define_asset_job("small")], resources=resources.RESOURCES, executor=dg.in_process_executor
    )
    with dg.DagsterInstance.ephemeral() as instance:
        done = definitions.resolve_job_def("small").execute_in_process(instance=instance)
    assert done.success
    assert [event["eventType"] for event in collector.of(done.run_id)] == ["START", "START", "COMPLETE", "COMPLETE"]
    assert collector.of(done.run_id)[-1]["job"]["name"] == "olist.small"
