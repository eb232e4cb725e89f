"""feature_repo declares by hand what dbt publishes, and the generated manifest is what it declares."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tradewind_features.transforms import PARCEL_REQUEST_FEATURES
from tradewind_lifecycle import feature_store

DBT_TYPES = {"Float64": "double", "Int64": "bigint", "String": "varchar", "Bool": "boolean"}
INSTANTS = {"event_timestamp": "timestamptz", "created_timestamp": "timestamptz"}


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    return feature_store.feature_manifest()


def dbt_feature_models(root: Path) -> dict[str, dict[str, str]]:
    """Name → column → type of each feature model, as its dbt contract has it."""
    models: dict[str, dict[str, str]] = {}
    for path in sorted((root / "dbt" / "models" / "features").glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            models[model["name"]] = {column["name"]: column["data_type"] for column in model["columns"]}
    return models


def test_each_feature_model_is_one_view_with_its_columns_in_order(root: Path, declared: dict[str, Any]) -> None:
    models = dbt_feature_models(root)
    assert {view["model"] for view in declared["views"]} == set(models)
    for view in declared["views"]:
        columns = {column["name"]: DBT_TYPES[column["type"]] for column in view["columns"]}
        assert list(({view["join_key"]: "varchar"} | INSTANTS | columns).items()) == list(models[view["model"]].items()), view["name"]


def test_the_generated_manifest_is_fresh(root: Path, declared: dict[str, Any]) -> None:
    generated = root / "dagster_project" / "generated" / "feature_views.json"
    assert json.loads(generated.read_text(encoding="utf-8")) == declared, (
        "stale: tradewind_lifecycle.feature_store.write_feature_manifest()"
    )


def test_the_on_demand_view_gives_what_the_transform_gives_in_its_order(declared: dict[str, Any]) -> None:
    (view,) = declared["on_demand_views"]
    assert [column["name"] for column in view["columns"]] == list(PARCEL_REQUEST_FEATURES)
    assert all(column["type"] == "Float64" for column in view["columns"])


def test_a_service_reads_views_that_exist_and_every_text_of_the_repository_is_written(declared: dict[str, Any]) -> None:
    names = {view["name"] for view in declared["views"]} | {view["name"] for view in declared["on_demand_views"]}
    for service in declared["services"]:
        assert set(service["views"]) <= names
        assert len(set(service["features"])) == len(service["features"])
    for thing in (*declared["views"], *declared["on_demand_views"], *declared["services"]):
        assert thing["description"]
        assert thing["owner"]
        assert thing["tags"]
