"""Twin worlds that differ in one lever: the same draws, so the difference is the lever's effect."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tiny_world import tiny

from tradewind_simulator import simulate
from tradewind_simulator.manifests import FolderManifest


def table(world: Path, name: str, columns: list[str]) -> pa.Table:
    """All rows of a table, newest version last."""
    files = FolderManifest.read(world / "observed").of(name)
    return pa.concat_tables([pq.read_table(world / "observed" / file.path, columns=columns) for file in files])


def newest(world: Path, name: str, key: str, column: str) -> dict[str, object]:
    rows = table(world, name, [key, column])
    return dict(zip(rows[key].to_pylist(), rows[column].to_pylist(), strict=True))


@pytest.fixture(scope="module")
def understaffed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("twin") / "understaffed"
    simulate(tiny(), out, interventions=["staffing=0.55@2024-01-10"])
    return out


def test_before_the_lever_is_pulled_the_twins_are_the_same(world: Path, understaffed: Path) -> None:
    for name in ("orders", "parcels", "scan_events", "product_traffic", "shifts_daily"):
        for day in ("2024-01-02", "2024-01-08"):
            path = f"observed/{name}/{day}.parquet"
            assert (world / path).read_bytes() == (understaffed / path).read_bytes(), path


def test_fewer_people_make_parcels_slower_and_nothing_else_is_drawn_anew(world: Path, understaffed: Path) -> None:
    here, there = (newest(w, "parcels", "parcel_id", "delivered_at") for w in (world, understaffed))
    both = [p for p in here.keys() & there.keys() if here[p] and there[p]]
    assert len(both) > 300
    slower = sum(there[p] > here[p] for p in both)  # type: ignore[operator]
    faster = sum(there[p] < here[p] for p in both)  # type: ignore[operator]
    assert slower > 3 * faster
    ordered = [newest(w, "orders", "order_id", "ordered_at") for w in (world, understaffed)]
    shared = ordered[0].keys() & ordered[1].keys()
    assert len(shared) > 0.9 * len(ordered[0])
    assert all(ordered[0][order] == ordered[1][order] for order in shared)


def test_without_subsidies_nothing_is_paid_and_prices_are_higher(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "unsubsidised"
    simulate(tiny(), out, interventions=["subsidy=off"])
    paid = [pc.sum(table(w, "product_traffic", ["subsidy"])["subsidy"]).as_py() for w in (world, out)]
    assert paid[0] > 0
    assert paid[1] == 0
    units = [pc.sum(table(w, "product_traffic", ["units_count"])["units_count"]).as_py() for w in (world, out)]
    assert units[1] < units[0]


def test_a_closed_hub_is_seen_by_no_scan_after_its_last_day(world: Path, tmp_path: Path) -> None:
    hubs = table(world, "hubs", ["hub_id", "level"]).to_pylist()
    busy = pc.value_counts(table(world, "scan_events", ["hub_id"])["hub_id"]).to_pylist()
    local = {hub["hub_id"] for hub in hubs if hub["level"] == "local"}
    closed = max((c for c in busy if c["values"] in local), key=lambda c: (c["counts"], c["values"]))["values"]
    out = tmp_path / "closed"
    simulate(tiny(), out, interventions=[f"close_hub={closed}@2024-01-15"])
    scans = table(out, "scan_events", ["hub_id", "event", "occurred_at"])
    late = scans.filter(
        pc.and_(
            pc.equal(scans["hub_id"], closed), pc.greater(scans["occurred_at"], pa.scalar(1_705_633_200_000_000, pa.timestamp("us", "UTC")))
        )
    )
    assert late.num_rows == 0, "by 19 January even a wrong clock can't put a scan there"
    assert newest(out, "hubs", "hub_id", "closed_at")[closed] is not None
