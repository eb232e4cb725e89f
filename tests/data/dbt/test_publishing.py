"""Publishing: equal content, equal bytes; one manifest swap; nothing half-published."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.errors import IntegrityError, NotFoundError, QualityError, StateError
from tradewind_contracts.manifest import Manifest, PublishedTable
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.publishing import publish, published_table


@pytest.fixture
def dbt_manifest(own_settings: Settings) -> Path:
    """A landing without tables, and what dbt would say of two small marts: ``a`` must have rows, ``b`` may be empty."""
    Manifest(stage="landing", tables={}).write(own_settings.paths.landing)
    nodes = {name: _node(name, may_be_empty=name == "b") for name in ("a", "b")}
    path = own_settings.home / "dbt_manifest.json"
    path.write_text(json.dumps({"nodes": nodes}))
    return path


def test_the_same_rows_in_another_order_give_the_same_bytes_and_no_new_file(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, list(range(1000)))
    first = publish("marts", own_settings, dbt_manifest)
    written = {path.name: path.stat().st_mtime_ns for path in (own_settings.paths.published / "marts").glob("*.parquet")}
    _fill(own_settings, list(reversed(range(1000))))
    second = publish("marts", own_settings, dbt_manifest)
    assert second.digest == first.digest
    assert {path.name: path.stat().st_mtime_ns for path in (own_settings.paths.published / "marts").glob("*.parquet")} == written
    assert pq.read_table(published_table(own_settings, "a"))["k"].to_pylist() == list(range(1000))


def test_files_outlive_one_publish_and_not_two(own_settings: Settings, dbt_manifest: Path) -> None:
    names = []
    for rows in ([1], [1, 2], [1, 2, 3]):
        _fill(own_settings, rows)
        names.append(publish("marts", own_settings, dbt_manifest).tables["a"].path)
    kept = {path.name for path in (own_settings.paths.published / "marts").glob("a-*.parquet")}
    assert kept == set(names[1:])


def test_a_crash_before_the_swap_leaves_what_was_published(
    own_settings: Settings, dbt_manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(own_settings, [1])
    before = publish("marts", own_settings, dbt_manifest)
    _fill(own_settings, [1, 2])

    def crash(self: Manifest, folder: Path) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Manifest, "write", crash)
        with pytest.raises(OSError, match="killed"):
            publish("marts", own_settings, dbt_manifest)
    assert Manifest.read(own_settings.paths.published / "marts") == before
    assert pq.read_table(published_table(own_settings, "a")).num_rows == 1
    again = publish("marts", own_settings, dbt_manifest)
    assert again.tables["a"].rows == 2
    assert list((own_settings.paths.published / "marts").glob(".*.partial")) == []


def test_a_damaged_file_is_not_read_and_publishing_mends_it(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, [1, 2])
    publish("marts", own_settings, dbt_manifest)
    path = published_table(own_settings, "a")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    with pytest.raises(IntegrityError, match=path.name):
        published_table(own_settings, "a")
    publish("marts", own_settings, dbt_manifest)
    assert published_table(own_settings, "a").read_bytes() == whole


@pytest.mark.parametrize("name", ["manifest.json", "previous.json"])
def test_publishing_mends_a_damaged_manifest(own_settings: Settings, dbt_manifest: Path, name: str) -> None:
    for rows in ([1], [1, 2]):
        _fill(own_settings, rows)
        published = publish("marts", own_settings, dbt_manifest)
    (own_settings.paths.published / "marts" / name).write_text('{"stage": ')
    assert publish("marts", own_settings, dbt_manifest).digest == published.digest
    assert pq.read_table(published_table(own_settings, "a"))["k"].to_pylist() == [1, 2]


def test_a_table_that_must_have_rows_is_refused_empty_and_an_optional_one_is_not(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, [])
    with pytest.raises(QualityError, match=r"marts\.a: 0 rows"):
        publish("marts", own_settings, dbt_manifest)
    assert not (own_settings.paths.published / "marts" / "manifest.json").exists()
    _fill(own_settings, [1])
    assert publish("marts", own_settings, dbt_manifest).tables["b"].rows == 0


def test_a_failed_critical_claim_blocks_and_a_failed_warning_does_not(own_settings: Settings, dbt_manifest: Path) -> None:
    _fill(own_settings, [1])
    own_settings.paths.quality.mkdir(parents=True)
    quality = own_settings.paths.quality / "marts.json"
    claim = {"suite": "s", "table": "a", "claim": "k is positive", "severity": "critical", "passed": False, "rows": 1}
    quality.write_text(json.dumps([claim]))
    with pytest.raises(QualityError, match="a: k is positive"):
        publish("marts", own_settings, dbt_manifest)
    quality.write_text(json.dumps([{**claim, "severity": "warning"}]))
    assert isinstance(publish("marts", own_settings, dbt_manifest).tables["a"], PublishedTable)


def test_a_half_that_is_not_built_and_a_table_that_is_not_published_are_named(own_settings: Settings, dbt_manifest: Path) -> None:
    with pytest.raises(StateError, match=r"warehouse\.duckdb"):
        publish("marts", own_settings, dbt_manifest)
    with pytest.raises(NotFoundError, match="no table 'a' is published"):
        published_table(own_settings, "a")


def _node(name: str, may_be_empty: bool) -> dict[str, Any]:
    meta = {"primary_key": ["k"], "may_be_empty": may_be_empty}
    return {"resource_type": "model", "name": name, "schema": "marts", "config": {"meta": meta}}


def _fill(settings: Settings, keys: list[int]) -> None:
    settings.paths.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.paths.warehouse)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute("create or replace table marts.a (k bigint, v varchar)")
        connection.execute("create or replace table marts.b (k bigint)")
        if keys:
            connection.executemany("insert into marts.a values (?, 'v')", [[key] for key in keys])
