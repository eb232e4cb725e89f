"""Views over feature tables that are published by day: whole worlds work on them, and a day that is gone is noticed by whoever reads."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import feature_world
import pytest

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.manifest import Manifest, PublishedTable
from tradewind_contracts.settings import Settings
from tradewind_features.online.reader import OnlineReader
from tradewind_lifecycle import feature_store, online_store, partitions

MODEL, VIEW = "ftr_merchant__pace_365d", "merchant_pace_365d"


@pytest.fixture
def by_day(own_world: Callable[[dict[str, Any]], Settings]) -> tuple[Settings, Path]:
    """A world of which one table is published by day, and its folder."""
    settings = own_world({})
    folder = settings.paths.published / "features"
    manifest = Manifest.read(folder)
    with duckdb.connect() as connection:
        connection.execute(f"create table {MODEL} as select * from read_parquet('{folder / manifest.tables[MODEL].path}')")
        made = partitions.write_dataset(connection, MODEL, ("merchant_id",), folder, None, None)
    table = PublishedTable(path=made.path, digest=made.digest, rows=made.rows, columns=made.columns)
    manifest.model_copy(update={"tables": manifest.tables | {MODEL: table}}).write(folder)
    feature_store.apply(settings)
    return settings, folder / made.path


def test_days_and_one_file_fill_the_same_store(by_day: tuple[Settings, Path], ready: Settings) -> None:
    settings, _ = by_day
    online_store.materialize(settings)
    keys = ["m1", "m2", "m3", "nobody"]
    ours, theirs = (OnlineReader(world.paths.online_store).read(VIEW, keys, feature_world.AS_OF) for world in (settings, ready))
    assert {name: values.tolist()[:3] for name, values in ours.values.items()} == {
        name: values.tolist()[:3] for name, values in theirs.values.items()
    }
    assert ours.event_at.tolist() == theirs.event_at.tolist()


def test_a_day_that_is_gone_is_refused_and_what_was_served_stays(by_day: tuple[Settings, Path]) -> None:
    settings, folder = by_day
    online_store.materialize(settings)
    before = OnlineReader(settings.paths.online_store).read(VIEW, ["m1"], feature_world.AS_OF).values["transit_pace_30d"].tolist()
    newest = sorted(folder.glob("event_date=*"))[-1]
    shutil.rmtree(newest)
    with pytest.raises(IntegrityError, match=rf"{folder.name}: 1 published days are gone \({newest.name.removeprefix('event_date=')}"):
        online_store.materialize(settings)
    after = OnlineReader(settings.paths.online_store).read(VIEW, ["m1"], feature_world.AS_OF).values["transit_pace_30d"].tolist()
    assert after == before
