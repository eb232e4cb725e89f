"""Twin worlds that differ in one lever: the same draws, so the difference is the lever's effect."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tiny_world import tiny

from tradewind_simulator import simulate, truth
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


@pytest.mark.parametrize(
    ("lever", "pulled"),
    [
        ("staffing=0.5", "2024-01-12"),
        ("price=1.3", "2024-01-12"),
        ("exposure=2", "2024-01-12"),
        ("outreach=off", "2024-01-12"),
        ("subsidy=off", "2024-01-30"),
        ("close_hub=H050", "2024-01-12"),
    ],
)
def test_no_file_tells_what_a_lever_will_do_on_a_later_day(world: Path, tmp_path: Path, lever: str, pulled: str) -> None:
    day = dt.date.fromisoformat(pulled)
    out = tmp_path / "twin"
    simulate(tiny(days=(day - dt.date(2024, 1, 1)).days + 4), out, interventions=[f"{lever}@{pulled}"])
    for part in ("observed", "truth"):
        here, there = ({file.path: file for file in FolderManifest.read(w / part).files} for w in (world, out))
        until = (day + dt.timedelta(days=3)).isoformat()
        changed = {p for p in here.keys() | there.keys() if p[-18:-8] <= until and here.get(p) != there.get(p)}
        days = {p[-18:-8] for p in changed}
        # Truth tells of tomorrow's calls on the eve, when they are planned.
        first = pulled if part == "observed" else (day - dt.timedelta(days=1)).isoformat()
        assert min(days) >= first, sorted(p for p in changed if p[-18:-8] < first)
    assert changed, "the lever does something"


@pytest.fixture(scope="module")
def dearer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("twin") / "dearer"
    simulate(tiny(), out, interventions=["price=1.25@2024-01-10"])
    return out


def by_key(rows: pa.Table, keys: list[str], column: str) -> dict[tuple[object, ...], object]:
    return dict(zip(zip(*(rows[key].to_pylist() for key in keys), strict=True), rows[column].to_pylist(), strict=True))


def test_higher_prices_lower_what_is_wanted_of_every_product_and_move_nothing_of_the_orders_that_stay(world: Path, dearer: Path) -> None:
    keys = ["product_id", "date"]
    for column, is_strict in (("purchases_rate", True), ("purchases_count", False)):
        here, there = (by_key(truth.read(w, "product_demand"), keys, column) for w in (world, dearer))
        later = [key for key in here.keys() & there.keys() if str(key[1]) >= "2024-01-10" and here[key]]
        assert len(later) > 500
        ups = [key for key in later if there[key] > here[key]]  # type: ignore[operator]
        downs = sum(there[key] < here[key] for key in later)  # type: ignore[operator]
        # Who sells less is contacted sooner, gives up sooner: after some weeks a few rates differ for other reasons.
        assert len(ups) <= 0.03 * len(later), column
        assert not [key for key in ups if str(key[1]) < "2024-01-24"], column
        assert downs > 0
        assert not is_strict or downs > 0.95 * len(later)
    for name in ("ordered_at", "customer_id", "address_id"):
        orders = [newest(w, "orders", "order_id", name) for w in (world, dearer)]
        shared = orders[0].keys() & orders[1].keys()
        assert 0.5 * len(orders[0]) < len(shared) < 0.95 * len(orders[0])
        assert all(orders[0][order] == orders[1][order] for order in shared), name


def test_hops_that_are_in_both_worlds_have_the_same_draws(world: Path, understaffed: Path, dearer: Path) -> None:
    keys = ["parcel_id", "hop", "from_hub_id", "to_hub_id"]
    for twin in (understaffed, dearer):
        for column in ("ratio", "is_missort", "planned_minutes"):
            here, there = (by_key(truth.read(w, "legs"), keys, column) for w in (world, twin))
            shared = here.keys() & there.keys()
            assert len(shared) > 0.5 * len(here)
            assert all(here[key] == there[key] for key in shared), column


def test_a_shorthanded_world_has_longer_queues_more_failures_and_worse_scores(world: Path, understaffed: Path) -> None:
    def hours(w: Path) -> float:
        legs = truth.read(w, "legs")
        return float(np.mean(legs["queue_hours"].to_numpy()[legs["departed_at"].to_numpy() > np.datetime64("2024-01-12")]))

    def probability(w: Path) -> float:
        return float(np.mean(truth.read(w, "attempts")["failure_probability"].to_numpy()))

    def score(w: Path) -> float:
        scores = newest(w, "reviews", "order_id", "score").values()
        return float(np.mean([s for s in scores if s is not None]))  # type: ignore[misc]  # scores are numbers

    assert hours(understaffed) > 1.5 * hours(world)
    assert probability(understaffed) > probability(world)
    assert score(understaffed) < score(world)


def test_more_exposure_of_the_promoted_is_taken_from_the_others(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "exposed"
    simulate(tiny(days=20), out, interventions=["exposure=2.5@2024-01-05"])
    shown = []
    for w in (world, out):
        rows = table(w, "product_traffic", ["product_id", "date", "is_promoted", "impressions_count"])
        day = pc.strftime(rows["date"], "%Y-%m-%d")
        rows = rows.filter(pc.and_(pc.greater_equal(day, "2024-01-06"), pc.less_equal(day, "2024-01-18")))
        by_arm = rows.group_by("is_promoted").aggregate([("impressions_count", "sum")]).to_pylist()
        shown.append({row["is_promoted"]: row["impressions_count_sum"] for row in by_arm})
    assert shown[1][True] > 1.3 * shown[0][True]
    assert shown[1][False] < 0.95 * shown[0][False]
    whole = [sum(count for arm, count in by_arm.items() if arm is not None) for by_arm in shown]
    assert whole[1] == pytest.approx(whole[0], rel=0.01)


def test_without_calls_nobody_is_contacted_and_fewer_leads_can_be_won(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "silent"
    simulate(tiny(), out, interventions=["outreach=off"])
    purposes = [set(table(w, "outreach", ["purpose"])["purpose"].to_pylist()) for w in (world, out)]
    assert "win" in purposes[0]
    assert not purposes[1] & {"win", "retain"}
    chances = [by_key(truth.read(w, "leads"), ["lead_id"], "win_probability") for w in (world, out)]
    assert chances[0].keys() == chances[1].keys()
    called = [key for key in chances[0] if chances[0][key] != chances[1][key]]
    assert called
    assert sum(chances[1][key] for key in called) < sum(chances[0][key] for key in called)  # type: ignore[misc]  # probabilities


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
