"""Feature tables are published by day: what did not change is linked, what is past the retention goes, readers never see a mix."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.partitions import PART, read_partitions
from tradewind_lifecycle.publishing import keep_datasets, publish, published_table

Rows = list[tuple[str, str, float | None]]
"""Day (the event is at its 00:00 UTC), key, value."""
MAY: Rows = [(f"2018-05-0{day}", key, day + 0.5) for day in (1, 2, 3) for key in ("m1", "m2")]


@pytest.fixture
def dbt_manifest(own_settings: Settings) -> Path:
    Manifest(stage="landing", tables={}).write(own_settings.paths.landing)
    nodes = {"ftr_a": _node("ftr_a"), "ftr_for_ever": _node("ftr_for_ever", retention="forever")}
    path = own_settings.home / "dbt_manifest.json"
    path.write_text(json.dumps({"nodes": nodes}))
    return path


def test_each_day_is_a_partition_with_its_rows_in_the_order_of_the_key(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, list(reversed(MAY)))
    published = publish("features", own_settings, dbt_manifest)
    folder = published_table(own_settings, "ftr_a")
    assert sorted(path.name for path in folder.glob("event_date=*")) == [f"event_date=2018-05-0{day}" for day in (1, 2, 3)]
    for day, part in read_partitions(folder).items():
        rows = pq.ParquetFile(folder / f"event_date={day}" / PART).read()
        assert rows["m"].to_pylist() == ["m1", "m2"]
        assert {at.date().isoformat() for at in rows["event_timestamp"].to_pylist()} == {day}
        assert part.rows == 2
    assert published.tables["ftr_a"].rows == 6


def test_the_same_rows_in_another_order_are_the_same_dataset_and_nothing_is_written(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, MAY)
    first = publish("features", own_settings, dbt_manifest)
    stamps = _stamps(own_settings)
    _fill(own_settings, list(reversed(MAY)))
    assert publish("features", own_settings, dbt_manifest).digest == first.digest
    assert _stamps(own_settings) == stamps


def test_a_day_that_arrives_costs_one_file_and_the_others_are_links(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, MAY)
    publish("features", own_settings, dbt_manifest)
    before = published_table(own_settings, "ftr_a")
    _fill(own_settings, [*MAY, ("2018-05-04", "m1", 4.5)])
    said: list[str] = []
    publish("features", own_settings, dbt_manifest, said.append)
    after = published_table(own_settings, "ftr_a")
    assert "1 days written, 3 as before" in next(line for line in said if "ftr_a:" in line)
    for day in (1, 2, 3):
        assert (after / f"event_date=2018-05-0{day}" / PART).samefile(before / f"event_date=2018-05-0{day}" / PART)
    assert len(read_partitions(before)) == 3  # whoever reads the publication before goes on reading it


def test_a_day_whose_one_value_became_null_is_another_day(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, MAY)
    first = publish("features", own_settings, dbt_manifest)
    _fill(own_settings, [*MAY[:-1], ("2018-05-03", "m2", None)])
    second = publish("features", own_settings, dbt_manifest)
    days = [read_partitions(own_settings.paths.published / "features" / m.tables["ftr_a"].path) for m in (first, second)]
    assert [day for day in days[0] if days[0][day].digest != days[1][day].digest] == ["2018-05-03"]


def test_days_past_the_retention_go_and_views_that_never_expire_keep_theirs(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, [("2018-01-01", "m1", 1.0), *MAY])
    settings = own_settings.model_copy(update={"feature_retention_days": 2})
    said: list[str] = []
    publish("features", settings, dbt_manifest, said.append)
    assert list(read_partitions(published_table(settings, "ftr_a"))) == ["2018-05-01", "2018-05-02", "2018-05-03"]
    assert next(iter(read_partitions(published_table(settings, "ftr_for_ever")))) == "2018-01-01"
    assert "1 past the retention of 2 days" in next(line for line in said if "ftr_a:" in line)


@pytest.mark.parametrize("damage", ["changed", "lost", "added"])
def test_a_damaged_day_is_not_read_and_publishing_mends_it(own_settings: Settings, dbt_manifest: Path, damage: str) -> None:
    _fill(own_settings, MAY)
    publish("features", own_settings, dbt_manifest)
    folder = published_table(own_settings, "ftr_a")
    path = folder / "event_date=2018-05-02" / PART
    whole = path.read_bytes()
    if damage == "changed":
        path.write_bytes(whole[:-1] + b"?")
    elif damage == "lost":
        path.unlink()
    else:
        (folder / "event_date=2018-05-09").mkdir()
        (folder / "event_date=2018-05-09" / PART).write_bytes(whole)
    with pytest.raises(IntegrityError, match=folder.name):
        published_table(own_settings, "ftr_a")
    publish("features", own_settings, dbt_manifest)
    assert (published_table(own_settings, "ftr_a") / "event_date=2018-05-02" / PART).read_bytes() == whole


def test_a_dataset_outlives_one_publish_and_not_two_unless_it_is_kept(own_settings: Settings, dbt_manifest: Path) -> None:
    folder, names = own_settings.paths.published / "features", []
    for count in (2, 4, 6):
        _fill(own_settings, MAY[:count])
        names.append(publish("features", own_settings, dbt_manifest).tables["ftr_a"].path)
        if count == 2:
            kept = names[0]
            keep_datasets(folder, {kept: "eta@1"})
    assert sorted(path.name for path in folder.glob("ftr_a-*")) == sorted(names)
    keep_datasets(folder, {})
    _fill(own_settings, MAY)
    publish("features", own_settings, dbt_manifest)
    assert sorted(path.name for path in folder.glob("ftr_a-*")) == sorted(names[1:])


def test_a_row_without_an_instant_is_refused_and_what_was_published_stays(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, MAY)
    first = publish("features", own_settings, dbt_manifest)
    with duckdb.connect(str(own_settings.paths.warehouse)) as connection:
        connection.execute("insert into features.ftr_a values ('m9', null, null, 1.0)")
    with pytest.raises(IntegrityError, match="ftr_a: 1 rows without event_timestamp"):
        publish("features", own_settings, dbt_manifest)
    assert Manifest.read(own_settings.paths.published / "features") == first


def test_a_table_without_rows_keeps_its_columns(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, [])
    publish("features", own_settings, dbt_manifest)
    rows = pq.read_table(published_table(own_settings, "ftr_a") / PART)
    assert (rows.num_rows, rows.column_names) == (0, ["m", "event_timestamp", "created_timestamp", "x"])


def _node(name: str, **meta: str) -> dict[str, Any]:
    meta_ = {"primary_key": ["m", "event_timestamp"], "may_be_empty": True, **meta}
    return {"resource_type": "model", "name": name, "schema": "features", "config": {"meta": meta_}}


def _fill(settings: Settings, rows: Rows) -> None:
    settings.paths.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.paths.warehouse)) as connection:
        connection.execute("create schema if not exists features")
        for table in ("ftr_a", "ftr_for_ever"):
            connection.execute(
                f"create or replace table features.{table} (m varchar, event_timestamp timestamptz, created_timestamp timestamptz, x double)"
            )
            for day, key, value in rows:
                stamp = f"timestamptz '{day} 00:00:00+00'"
                connection.execute(f"insert into features.{table} values (?, {stamp}, {stamp} + interval 1 hour, ?)", [key, value])


def _stamps(settings: Settings) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in settings.paths.published.rglob("*.parquet")}
