"""Bad input of the simulator's kind, each by name: a clear refusal, and nothing is written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import observed_world as made
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.errors import SourceError
from tradewind_contracts.manifest import MANIFEST
from tradewind_contracts.settings import Settings
from tradewind_sources import land


@pytest.fixture
def observed(tmp_path: Path) -> made.Observed:
    return made.write_observed(tmp_path / "data", days=2, orders_per_day=2, dirty=False, odd=False)


@pytest.fixture
def simulator_settings(home: Path) -> Settings:
    return Settings(home=home, source="simulator")


def refused(data: Path, settings: Settings) -> str:
    """The message that landing ``data`` refuses with; checks that nothing was written."""
    with pytest.raises(SourceError) as caught:
        land("simulator", data, settings)
    assert not (settings.paths.landing / MANIFEST).exists()
    assert not settings.paths.world_file.exists()
    assert not list(settings.paths.landing.glob("*.parquet"))
    return str(caught.value)


def everything(observed: made.Observed) -> list[tuple[str, Any]]:
    return [(table, day) for table, files in observed.files.items() for day in files]


def rewritten(observed: made.Observed, change: Callable[[pa.Table], pa.Table]) -> None:
    """The first file of orders, changed, under a manifest that names it as it is."""
    path = observed.folder / "orders" / f"{observed.days[0]}.parquet"
    pq.write_table(change(pq.read_table(path)), path)
    observed.show()


def test_no_folder(simulator_settings: Settings, tmp_path: Path) -> None:
    assert "nothing: no such folder; expected one that `tradewind simulate --out` wrote" in refused(
        tmp_path / "nothing", simulator_settings
    )


def test_no_manifest(observed: made.Observed, simulator_settings: Settings) -> None:
    (observed.folder / "manifest.json").unlink()
    assert "observed/manifest.json: not there" in refused(observed.path, simulator_settings)


@pytest.mark.parametrize("text", ["", "not JSON", "{}", '{"files": 3}'])
def test_a_manifest_of_something_else(observed: made.Observed, simulator_settings: Settings, text: str) -> None:
    (observed.folder / "manifest.json").write_text(text)
    assert "observed/manifest.json: not the manifest of a simulated world" in refused(observed.path, simulator_settings)


def test_another_format(observed: made.Observed, simulator_settings: Settings) -> None:
    observed.show_files(everything(observed), format=2)
    assert "data/observed: the manifest is of format 2; expected 1" in refused(observed.path, simulator_settings)


def test_no_files_at_all(observed: made.Observed, simulator_settings: Settings) -> None:
    observed.show_files([])
    assert "data/observed: the manifest names no files" in refused(observed.path, simulator_settings)


def test_a_missing_file(observed: made.Observed, simulator_settings: Settings) -> None:
    (observed.folder / "hubs" / f"{observed.days[0]}.parquet").unlink()
    assert f"hubs/{observed.days[0]}.parquet can't be read (No such file or directory)" in refused(observed.path, simulator_settings)


def test_a_file_that_has_changed(observed: made.Observed, simulator_settings: Settings) -> None:
    path = observed.folder / "orders" / f"{observed.days[1]}.parquet"
    path.write_bytes((observed.folder / "orders" / f"{observed.days[0]}.parquet").read_bytes())
    message = refused(observed.path, simulator_settings)
    assert f"orders/{observed.days[1]}.parquet is not the file that the manifest names" in message


def test_a_file_that_is_no_parquet(observed: made.Observed, simulator_settings: Settings) -> None:
    entry = json.loads((observed.folder / "manifest.json").read_text())["files"]
    path = observed.folder / "orders" / f"{observed.days[0]}.parquet"
    path.write_text("order_id\n1\n")
    for file in entry:
        if file["path"].startswith("orders/"):
            file["digest"] = __import__("hashlib").sha256((observed.folder / file["path"]).read_bytes()).hexdigest()
    head = json.loads((observed.folder / "manifest.json").read_text())
    (observed.folder / "manifest.json").write_text(json.dumps({**head, "files": entry}))
    assert f"orders/{observed.days[0]}.parquet is no Parquet file" in refused(observed.path, simulator_settings)


def test_a_missing_column(observed: made.Observed, simulator_settings: Settings) -> None:
    rewritten(observed, lambda rows: rows.drop_columns(["approved_at"]))
    message = refused(observed.path, simulator_settings)
    assert f"orders/{observed.days[0]}.parquet has no column approved_at (found: order_id, customer_id, " in message


def test_a_column_of_another_type(observed: made.Observed, simulator_settings: Settings) -> None:
    def as_text(rows: pa.Table) -> pa.Table:
        return rows.set_column(rows.schema.get_field_index("ordered_at"), "ordered_at", rows.column("ordered_at").cast(pa.string()))

    rewritten(observed, as_text)
    message = refused(observed.path, simulator_settings)
    assert "column ordered_at is of type string; expected timestamp[us, tz=UTC]" in message


def test_other_rows_than_the_manifest_says(observed: made.Observed, simulator_settings: Settings) -> None:
    head = json.loads((observed.folder / "manifest.json").read_text())
    head["files"][0]["rows"] += 1
    (observed.folder / "manifest.json").write_text(json.dumps(head))
    assert "rows, the manifest says" in refused(observed.path, simulator_settings)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"table": "wishes"}, "is of the table 'wishes', which is not declared"),
        ({"path": "../truth/secrets.parquet"}, "names '../truth/secrets.parquet', which lies outside of the folder"),
        ({"path": "/etc/hostname"}, "names '/etc/hostname', which lies outside of the folder"),
        ({"day": "20240301"}, "is of the day '20240301'; expected a date such as 2024-01-31"),
        ({"day": "spring"}, "is of the day 'spring'; expected a date such as 2024-01-31"),
    ],
)
def test_an_entry_of_the_manifest_that_can_not_be(
    observed: made.Observed, simulator_settings: Settings, change: dict[str, str], expected: str
) -> None:
    head = json.loads((observed.folder / "manifest.json").read_text())
    head["files"][0].update(change)
    (observed.folder / "manifest.json").write_text(json.dumps(head))
    assert expected in refused(observed.path, simulator_settings)


def test_two_files_of_one_table_and_day(observed: made.Observed, simulator_settings: Settings) -> None:
    observed.show_files([*everything(observed), ("orders", observed.days[0])])
    assert f"the manifest names two files of orders and {observed.days[0]}" in refused(observed.path, simulator_settings)


def test_a_world_without_orders(observed: made.Observed, simulator_settings: Settings) -> None:
    observed.show_files([(table, day) for table, day in everything(observed) if table != "orders"])
    assert "data/observed: no row can be used for orders (there are none)" in refused(observed.path, simulator_settings)


def test_a_world_of_which_no_parcel_is_usable(observed: made.Observed, simulator_settings: Settings) -> None:
    for day in observed.days:
        observed.files["parcels"][day] = [dict(row, items_count=0) for row in observed.files["parcels"].get(day, [])]
    observed.write()
    assert "no row can be used for parcels (" in (message := refused(observed.path, simulator_settings))
    assert " items_count_out_of_range)" in message


def test_an_old_file_that_is_damaged_leaves_the_landing_that_stands(observed: made.Observed, simulator_settings: Settings) -> None:
    land("simulator", observed.path, simulator_settings)
    before = (simulator_settings.paths.landing / MANIFEST).read_bytes()
    rewritten(observed, lambda rows: rows.filter(pc.is_valid(rows.column("order_id"))).slice(1))
    (observed.folder / "parcels" / f"{observed.days[0]}.parquet").unlink()
    with pytest.raises(SourceError, match="can't be read"):
        land("simulator", observed.path, simulator_settings)
    assert (simulator_settings.paths.landing / MANIFEST).read_bytes() == before


def test_extra_columns_are_passed_over(observed: made.Observed, simulator_settings: Settings) -> None:
    rewritten(observed, lambda rows: rows.append_column("note", pa.array(["x"] * rows.num_rows)))
    assert land("simulator", observed.path, simulator_settings).tables["orders"].quarantined == {}
