"""The definition of a feature table is a digest of its SQL: layout does not count, meaning does."""

from pathlib import Path
from typing import Any

import pytest

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_lifecycle.views.definitions import sql_definition

FEATURE = 'select merchant_id, count(*) as parcels_count from "warehouse"."marts"."fct_parcels" join "warehouse"."intermediate"."int_days" using (day) where state = \'SP\' group by merchant_id'
DAYS = 'select day from "warehouse"."staging"."stg_olist__parcels"'


def node(name: str, stage: str, sql: str, folder: Path, parents: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """A model of dbt's manifest, as a build leaves it."""
    path = f"models/{stage}/{name}.sql"
    folders = [stage, "olist"] if stage == "staging" else [stage]
    return {
        "name": name,
        "resource_type": "model",
        "schema": stage,
        "fqn": ["tradewind", *folders, name],
        "original_file_path": path,
        "compiled_path": str(folder / path),
        "compiled_code": sql,
        "relation_name": f'"{more.pop("database", "warehouse")}"."{stage}"."{name}"',
        "checksum": {"name": "sha256", "checksum": "c" * 64},
        "config": {"materialized": "table"},
        "depends_on": {"nodes": [f"model.tradewind.{parent}" for parent in parents], "macros": []},
        **more,
    }


def manifest(folder: Path, feature: str = FEATURE, days: str = DAYS, mart: str = "select 1", **more: Any) -> dict[str, Any]:
    """A feature on a mart and an intermediate model, which is compiled on disk as the marts half leaves it."""
    models = [
        node("ftr_merchant__parcels", "features", feature, folder, ("fct_parcels", "int_days"), **more),
        node("fct_parcels", "marts", mart, folder),
        node("int_days", "intermediate", "", folder, ("stg_olist__parcels",)) | {"compiled_code": None, "compiled_path": None},
        node("stg_olist__parcels", "staging", "select 2", folder),
    ]
    path = folder / "models" / "intermediate" / "int_days.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(days)
    return {"nodes": {f"model.tradewind.{model['name']}": model for model in models}}


def defined(folder: Path, **changed: Any) -> str:
    return sql_definition(manifest(folder, **changed), "ftr_merchant__parcels")


def test_comments_layout_case_and_quotes_leave_the_definition_as_it_is(tmp_path: Path) -> None:
    laid_out = (
        '-- One row per merchant.\nSELECT\n    "merchant_id",  /* its key */\n    COUNT(*) AS parcels_count\n'
        'FROM "warehouse"."marts"."fct_parcels"\nJOIN "warehouse"."intermediate"."int_days" USING (day)\n'
        "WHERE state = 'SP'\nGROUP   BY\n    Merchant_Id"
    )
    assert defined(tmp_path, feature=laid_out) == defined(tmp_path)


@pytest.mark.parametrize(
    "changed",
    [FEATURE.replace("count(*)", "count(*) + 0"), FEATURE.replace("'SP'", "'sp'"), FEATURE.replace("state = 'SP'", "state = sp")],
    ids=["another expression", "another text", "a name instead of a text"],
)
def test_other_sql_is_another_definition(tmp_path: Path, changed: str) -> None:
    assert defined(tmp_path, feature=changed) != defined(tmp_path)


def test_what_an_intermediate_model_says_counts_and_what_a_mart_says_does_not(tmp_path: Path) -> None:
    assert defined(tmp_path, days=DAYS + " where day > date '2017-01-01'") != defined(tmp_path)
    assert defined(tmp_path, mart="select 1 as another") == defined(tmp_path)


def test_an_incremental_intermediate_model_counts_by_its_file(tmp_path: Path) -> None:
    def incremental(sql: str, checksum: str) -> str:
        found = manifest(tmp_path, days=sql)
        found["nodes"]["model.tradewind.int_days"] |= {"config": {"materialized": "incremental"}, "checksum": {"checksum": checksum}}
        return sql_definition(found, "ftr_merchant__parcels")

    assert incremental(DAYS, "a") == incremental(DAYS + " where day > current_date", "a")
    assert incremental(DAYS, "a") != incremental(DAYS, "b")


def test_the_same_sql_has_one_definition_in_every_world_and_on_every_machine(tmp_path: Path) -> None:
    other = manifest(
        tmp_path / "elsewhere",
        feature=FEATURE.replace('"warehouse"', '"stock"'),
        days=DAYS.replace("olist", "simulator").replace('"warehouse"', '"stock"'),
    )
    renamed = node("stg_simulator__parcels", "staging", "select 2", tmp_path)
    renamed |= {"fqn": ["tradewind", "staging", "simulator", "stg_simulator__parcels"]}
    other["nodes"]["model.tradewind.stg_simulator__parcels"] = renamed
    other["nodes"]["model.tradewind.int_days"]["depends_on"]["nodes"] = ["model.tradewind.stg_simulator__parcels"]
    for model in other["nodes"].values():
        model["relation_name"] = model["relation_name"].replace('"warehouse"', '"stock"')
    assert sql_definition(other, "ftr_merchant__parcels") == defined(tmp_path)


def test_what_was_only_parsed_has_no_known_definition(tmp_path: Path) -> None:
    assert defined(tmp_path, compiled_code=None, compiled_path=None) == ""


def test_an_absent_intermediate_model_unknown_model_or_unreadable_sql_is_refused(tmp_path: Path) -> None:
    found = manifest(tmp_path)
    with pytest.raises(NotFoundError, match=r"no model 'ftr_x'.*ftr_merchant__parcels"):
        sql_definition(found, "ftr_x")
    (tmp_path / "models" / "intermediate" / "int_days.sql").unlink()
    with pytest.raises(StateError, match=r"int_days\.sql: the compiled SQL of int_days is absent"):
        sql_definition(found, "ftr_merchant__parcels")
    with pytest.raises(IntegrityError, match=r"ftr_merchant__parcels.*can't be read"):
        defined(tmp_path, feature="select 'open")
