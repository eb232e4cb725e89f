"""Lineage against what really happens: a landing column that is changed changes only features that are said to come from it."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tradewind_contracts.settings import Settings
from tradewind_lifecycle.catalogue import Catalogue, read_catalogue
from tradewind_lifecycle.lineage import Use
from tradewind_lifecycle.warehouse import connect

Rebuild = Callable[..., None]
CHANGES = {
    "reviews.score": "5 - score",
    "parcels.promised_at": "promised_at - interval 20 day",
    "parcels.ship_by_at": "ship_by_at - interval 3 day",
    "order_items.price": "price * (1 + item_number % 3)",
    "products.category": "reverse(category)",
    "postal_areas.lat": "lat + 1",
    "merchants.state": "lower(state)",
}
"""By landing column: a change that a feature made of it can't overlook, and that keeps keys and instants in order."""
UNSEEN = {"order_items.price": "it only breaks ties between a parcel's equally heavy items"}
"""Columns of which no feature changes with the data at hand, and why that is right."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue()


def features_of(path: Path, catalogue: Catalogue) -> dict[str, str]:
    """A fingerprint of each feature column with its rows' keys, in any order; and of each view's keys alone (``.*``)."""
    found = {}
    with duckdb.connect(str(path), read_only=True) as connection:
        for view in catalogue.views:
            if not view.is_on_demand:
                keys = f"{view.join_key}, event_timestamp"
                for name, value in ((".*", ""), *((feature.name, f", {feature.name}") for feature in view.features)):
                    row = connection.execute(f"select count(*), bit_xor(hash({keys}{value})) from {view.table}").fetchone()
                    found[f"{view.table}.{name.removeprefix('.')}"] = str(row)
    return found


@pytest.fixture(scope="module")
def changed(built: Settings, rebuild: Rebuild, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By landing column: the features that are others when it is changed."""
    folder = tmp_path_factory.mktemp("sound")
    shutil.copy(built.paths.warehouse, folder / "landed.duckdb")

    def build(path: Path, column: str = "", expression: str = "") -> dict[str, str]:
        def fill(connection: duckdb.DuckDBPyConnection) -> None:
            connection.execute(f"attach '{folder / 'landed.duckdb'}' as landed (read_only)")
            for (table,) in connection.execute("select table_name from information_schema.tables where table_schema = 'landing' and table_catalog = current_database()").fetchall():  # fmt: skip
                replaced = f"* replace ({expression} as {column.split('.')[1]})" if column.startswith(f"{table}.") else "*"
                connection.execute(f"insert into landing.{table} select {replaced} from landed.landing.{table}")

        # What was compiled names the warehouse that it was compiled for.
        rebuild(path, built, fill, lambda sql: re.sub(r'"warehouse"\.', f'"{path.stem}".', sql))
        return features_of(path, catalogue)

    before = build(folder / "before.duckdb")
    after = {column: build(folder / f"{column.replace('.', '_')}.duckdb", column, change) for column, change in CHANGES.items()}
    return {column: {name for name, print_ in found.items() if print_ != before[name]} for column, found in after.items()}


@pytest.mark.parametrize("column", CHANGES)
def test_only_features_that_are_said_to_come_from_a_column_change_with_it(
    column: str, changed: dict[str, set[str]], catalogue: Catalogue
) -> None:
    said = {name: use for name, use in catalogue.lineage.downstream(f"landing.{column}").items() if name.startswith("features.")}
    assert changed[column] <= set(said)
    assert bool(changed[column]) == (column not in UNSEEN)


@pytest.mark.parametrize("column", [column for column in CHANGES if column not in UNSEEN])
def test_every_feature_that_a_column_enters_changes_with_it(column: str, changed: dict[str, set[str]], catalogue: Catalogue) -> None:
    said = catalogue.lineage.downstream(f"landing.{column}")
    entered = {name for name, use in said.items() if use is Use.VALUE and name.startswith("features.ftr_")}
    entered = {
        name for name in entered if any(name == f"{view.table}.{feature.name}" for view in catalogue.views for feature in view.features)
    }
    assert entered <= changed[column]


def test_the_world_has_what_the_changes_change(built: Settings) -> None:
    with connect(built) as connection:
        for column in CHANGES:
            table, name = column.split(".")
            found = connection.execute(f"select count({name}) from landing.{table}").fetchone()
            assert found is not None
            assert found[0] > 0, column
