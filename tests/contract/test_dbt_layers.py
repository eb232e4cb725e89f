"""What must hold of every dbt model: its layer, its words, its key, its leak test. Read from dbt's own manifest."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest

from tradewind_contracts.ids import prefix_lane_id, state_lane_id
from tradewind_contracts.tables import NEVER, TABLES
from tradewind_lifecycle.dbt_sources import STAGED, generated
from tradewind_lifecycle.warehouse import dbt_project_dir


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Dbt's manifest, parsed in an empty environment: no network, no warehouse."""
    target = tmp_path_factory.mktemp("dbt_parse")
    project = dbt_project_dir()
    command = [str(Path(sys.executable).with_name("dbt")), "parse", "--target-path", str(target), "--log-path", str(target)]
    result = subprocess.run(command, cwd=project, env={"DBT_PROFILES_DIR": str(project)}, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    parsed: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return parsed


@pytest.fixture(scope="session")
def models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The models by name."""
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def test_only_staging_reads_sources_and_features_read_marts_and_intermediate(
    models: dict[str, dict[str, Any]], manifest: dict[str, Any]
) -> None:
    may_read = {
        "staging": {"source"},
        "intermediate": {"staging", "intermediate"},
        "marts": {"staging", "intermediate", "marts"},
        "features": {"marts", "intermediate"},
        "labels": {"marts", "intermediate"},
    }
    for name, node in models.items():
        read = {"source" if key.startswith("source.") else manifest["nodes"][key]["schema"] for key in node["depends_on"]["nodes"]}
        assert read <= may_read[node["schema"]], f"{name} ({node['schema']}) reads {read}"


def test_each_model_and_each_of_its_columns_is_described_and_owned(models: dict[str, dict[str, Any]]) -> None:
    for name, node in models.items():
        assert node["description"], name
        assert node["columns"], name
        assert [column for column, words in node["columns"].items() if not words["description"]] == [], name
        assert node["config"]["meta"]["owner"].startswith("team-"), name
        assert node["config"]["group"], name


def test_the_contract_of_each_published_model_is_enforced_with_a_type_for_each_column(models: dict[str, dict[str, Any]]) -> None:
    for name, node in models.items():
        if node["schema"] in ("marts", "features", "labels"):
            assert node["config"]["contract"]["enforced"], name
            assert [column for column, words in node["columns"].items() if not words["data_type"]] == [], name


def test_each_model_has_a_key_that_is_tested(models: dict[str, dict[str, Any]], manifest: dict[str, Any]) -> None:
    tested = {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "primary_key"
    }
    for name, node in models.items():
        key = node["config"]["meta"]["primary_key"]
        assert tested[node["unique_id"]] == key, name
        assert set(key) <= set(node["columns"]), name


def test_a_feature_view_has_one_entity_key_two_instants_and_plain_numbers(models: dict[str, dict[str, Any]]) -> None:
    for name, node in models.items():
        if node["schema"] == "features":
            meta, columns = node["config"]["meta"], node["columns"]
            assert name.startswith(f"ftr_{meta['entity']}__"), name
            assert len(meta["primary_key"]) == 2, name
            assert meta["primary_key"][1] == "event_timestamp", name
            assert columns["event_timestamp"]["data_type"] == columns["created_timestamp"]["data_type"] == "timestamptz", name
            rest = set(columns) - {"event_timestamp", "created_timestamp"}
            assert {columns[column]["data_type"] for column in rest} <= {"double", "bigint", "varchar"}, name
            assert meta["publication_lag_minutes"] > 0, name


def test_each_feature_model_has_a_sql_unit_test_with_a_planted_late_fact(
    models: dict[str, dict[str, Any]], manifest: dict[str, Any]
) -> None:
    covered = {test["model"] for test in manifest["unit_tests"].values()}
    assert {name for name, node in models.items() if node["schema"] in ("features", "labels")} <= covered


def test_what_a_source_never_dates_goes_no_further_than_staging(models: dict[str, dict[str, Any]]) -> None:
    undated = {column.name for table in TABLES.values() for column in table.all_columns if table.known_at_of(column.name) == NEVER}
    assert {"flags", "source_status"} <= undated
    for name, node in models.items():
        if node["schema"] != "staging":
            assert undated.isdisjoint(node["columns"]), name


@pytest.mark.parametrize("source", STAGED)
def test_the_files_made_from_the_declarations_are_fresh(source: str) -> None:
    folder = dbt_project_dir() / "models" / "staging" / source
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == generated(source)


def test_only_the_worlds_source_is_built_and_it_stages_every_landing_table(models: dict[str, dict[str, Any]]) -> None:
    staged = {name for name, node in models.items() if node["schema"] == "staging"}
    assert staged == {f"stg_simulator__{table}" for table in TABLES}


def test_what_a_source_may_lack_may_be_empty_and_what_is_personal_says_so(models: dict[str, dict[str, Any]]) -> None:
    lacking = {"dim_creators", "fct_scans", "fct_parcel_legs", "fct_stock_days", "dim_addresses", "fct_product_days"}
    assert {name for name in lacking if not models[name]["config"]["meta"].get("may_be_empty")} == set()
    address = models["dim_addresses"]["columns"]
    assert "raw_text" not in address
    classes = {name: column["config"].get("meta", {}).get("personal_data") for name, column in address.items()}
    assert {name for name, level in classes.items() if level == "direct"} == {"street", "house_number", "unit", "normalised_text"}


def test_a_model_that_takes_only_what_is_new_puts_whole_parcels_in_the_place_of_the_old(models: dict[str, dict[str, Any]]) -> None:
    incremental = {name: node["config"] for name, node in models.items() if node["config"]["materialized"] == "incremental"}
    assert set(incremental) == {"int_scans_deduplicated", "fct_scans", "fct_parcel_legs"}
    for name, config in incremental.items():
        assert (config["incremental_strategy"], config["unique_key"], config["on_schema_change"]) == (
            "delete+insert",
            "parcel_id",
            "fail",
        ), name


def test_the_service_is_an_exposure_that_depends_on_just_the_features_of_its_model_and_the_label(
    root: Path, manifest: dict[str, Any]
) -> None:
    [exposure] = [item for item in manifest["exposures"].values() if item["name"] == "eta_service"]
    declared = json.loads((root / "dagster_project" / "generated" / "feature_views.json").read_text())
    [service] = [service for service in declared["services"] if service["name"] == "eta_v1"]
    tables = {view["model"] for view in declared["views"] if view["name"] in service["views"]}
    assert {manifest["nodes"][key]["name"] for key in exposure["depends_on"]["nodes"]} == tables | {"lbl_parcel__delivery"}


def test_lane_keys_in_sql_equal_those_of_contracts(manifest: dict[str, Any]) -> None:
    source = (
        manifest["macros"]["macro.tradewind.state_lane_id"]["macro_sql"] + manifest["macros"]["macro.tradewind.prefix_lane_id"]["macro_sql"]
    )
    macros = jinja2.Environment(autoescape=False).from_string(source).module
    sql = (
        f"select {macros.state_lane_id('a', 'b')}, {macros.prefix_lane_id('c', 'd', 2)} from (select 'SP' a, 'RJ' b, '13010' c, '22050' d)"  # type: ignore[attr-defined]
    )
    assert duckdb.sql(sql).fetchall() == [(state_lane_id("SP", "RJ"), prefix_lane_id("13010", "22050", 2))]
