"""The graph is whole, described and light: what a person or a scheduler relies on before anything runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from tradewind_contracts.settings import use
from tradewind_contracts.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "olist"
"""A process loads the graph of one source: that of the other tests that load it."""
CPU_SECONDS = 8.0
HEAVY = ("feast", "great_expectations", "lightgbm", "torch")

LOAD = f"""
import json, sys, time
started = time.process_time()
import dagster_project.definitions
print(json.dumps({{"cpu": time.process_time() - started, "heavy": [m for m in {HEAVY!r} if m in sys.modules]}}))
"""


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from dagster_project.execution import prepare_manifest

    prepare_manifest(use(source=SOURCE))
    from dagster_project.definitions import defs

    return defs


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> dict[dg.AssetKey, dg.AssetSpec]:
    return {spec.key: spec for spec in defs.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def checks(defs: dg.Definitions) -> list[dg.AssetCheckSpec]:
    graph = defs.resolve_asset_graph()
    return [graph.get_check_spec(key) for key in graph.asset_check_keys]


def ancestors(specs: dict[dg.AssetKey, dg.AssetSpec], key: dg.AssetKey) -> set[dg.AssetKey]:
    found: set[dg.AssetKey] = set()
    ahead = [key]
    while ahead:
        for dep in specs[ahead.pop()].deps:
            if dep.asset_key not in found:
                found.add(dep.asset_key)
                ahead.append(dep.asset_key)
    return found


def test_definitions_load_quickly_and_without_what_assets_import_themselves(defs: dg.Definitions) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=ROOT, env={**os.environ, "TRADEWIND_SOURCE": SOURCE}, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    sys.stdout.write(f"definitions load in {found['cpu']:.1f} CPU seconds\n")
    assert found["heavy"] == []
    assert found["cpu"] <= CPU_SECONDS


def test_every_asset_has_a_stage_a_description_an_owner_and_kinds(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    for key, spec in specs.items():
        assert len(key.path) == 2, key
        assert spec.group_name == key.path[0], key
        assert len(spec.description or "") > 15, key
        assert [owner[:5] for owner in spec.owners] == ["team:"], key
        assert spec.kinds, key


def test_every_check_says_what_it_claims(checks: list[dg.AssetCheckSpec]) -> None:
    silent = [spec.key.to_user_string() for spec in checks if not spec.description and not spec.metadata]
    assert silent == []


def test_the_service_descends_from_the_archive(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    above = ancestors(specs, dg.AssetKey(["services", "eta"]))
    stages = {key.path[0] for key in above}
    assert stages >= {
        "archives", "landing", "staging", "intermediate", "marts", "features", "labels", "published", "feature_views", "online_store",
        "training_sets", "models", "registry", "bentos",
    }  # fmt: skip
    for table in ("parcels", "order_items", "merchants", "products", "postal_areas", "reviews"):
        assert dg.AssetKey(["landing", table]) in above


def test_nothing_reads_from_a_stage_to_its_right(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    order = (
        "archives", "landing", "staging", "intermediate", "marts", "features", "labels", "published", "feature_views", "online_store",
        "training_sets", "models", "registry", "bentos", "services", "scores", "monitoring",
    )  # fmt: skip
    backwards = [
        f"{'/'.join(key.path)} reads {'/'.join(dep.asset_key.path)}"
        for key, spec in specs.items()
        for dep in spec.deps
        if order.index(dep.asset_key.path[0]) > order.index(key.path[0])
        # Features and labels wait for the published marts, and read nothing of them.
        and dep.asset_key != dg.AssetKey(["published", "fct_parcels"])
        # The noise floor waits until the version is sealed, so that nothing of the truth can be in it.
        and key != dg.AssetKey(["models", "eta_noise_floor"])
    ]
    assert backwards == []


def test_features_and_labels_wait_for_the_published_marts(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    for key, spec in specs.items():
        if key.path[0] in ("features", "labels"):
            assert dg.AssetKey(["published", "fct_parcels"]) in {dep.asset_key for dep in spec.deps}, key


def test_quality_of_landing_marts_features_and_the_training_set_blocks(checks: list[dg.AssetCheckSpec]) -> None:
    blocking = {spec.asset_key for spec in checks if spec.blocking and spec.name in ("keeps_its_declaration", "is_plausible")}
    assert {dg.AssetKey(["landing", name]) for name in TABLES} <= blocking
    assert {key.path[0] for key in blocking} == {"landing", "marts", "features", "labels", "training_sets"}


def test_every_gate_is_a_check_of_the_version_and_the_generated_file_is_fresh(checks: list[dg.AssetCheckSpec]) -> None:
    from dagster_project.generate import GATES, gates_text

    assert GATES.read_text(encoding="utf-8") == gates_text(), "run `make docs`"
    gates = {gate["name"] for gate in json.loads(gates_text())["eta"]}
    assert {spec.name for spec in checks if spec.asset_key == dg.AssetKey(["registry", "eta_version"])} == gates


def test_tables_with_claims_by_hand_have_their_check(defs: dg.Definitions) -> None:
    from dagster_project.defs.landing.checks import CLAIMED_BY_HAND
    from tradewind_quality import landing

    assert sorted(CLAIMED_BY_HAND) == sorted(landing.claims())


def test_feature_views_read_the_published_model_that_they_declare(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    from dagster_project.lib.generated import views

    for view in views():
        assert dg.AssetKey(["published", view["model"]]) in specs, view["name"]
        assert {dep.asset_key for dep in specs[dg.AssetKey(["feature_views", view["name"]])].deps} == {
            dg.AssetKey(["published", view["model"]])
        }


def test_dbt_tests_are_checks_of_their_models(checks: list[dg.AssetCheckSpec]) -> None:
    names = {spec.name for spec in checks if spec.asset_key == dg.AssetKey(["marts", "fct_parcels"])}
    assert any(name.startswith("primary_key") for name in names)


def test_jobs_schedules_and_the_sensor_are_there(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} >= {"first_parcel", "refresh", "retrain"}
    assert {schedule.name: schedule.cron_schedule for schedule in repository.schedule_defs} == {
        "daily_refresh": "15 4 * * *",
        "daily_retrain": "15 5 * * *",
    }
    assert {sensor.name for sensor in repository.sensor_defs} == {"new_files", "shifts"}


def test_the_first_parcel_is_everything_but_the_nights_scores_log_and_watch(
    defs: dg.Definitions, specs: dict[dg.AssetKey, dg.AssetSpec]
) -> None:
    selected = defs.resolve_job_def("first_parcel").asset_layer.selected_asset_keys
    answers = dg.AssetKey(["landing", "predictions"])
    assert selected == {key for key in specs if key.path[0] not in ("scores", "monitoring")} - {answers}
    assert answers in defs.resolve_job_def("refresh").asset_layer.selected_asset_keys


def test_nothing_that_is_served_or_judged_descends_from_the_noise_floor(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    floor = dg.AssetKey(["models", "eta_noise_floor"])
    assert dg.AssetKey(["registry", "eta_version"]) in ancestors(specs, floor)
    assert [key for key in specs if floor in ancestors(specs, key)] == []
