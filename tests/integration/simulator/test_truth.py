"""Truth joins what was seen by its ids, and says of it what an evaluation needs."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewind_simulator import truth
from tradewind_simulator.manifests import FolderManifest
from tradewind_simulator.mechanisms.delivery.attempts import CAUSES, REASONS, SAID


def seen(world: Path, name: str, key: str) -> dict[str, dict[str, object]]:
    """The newest row of each key, junk left out."""
    files = FolderManifest.read(world / "observed").of(name)
    rows = pa.concat_tables([pq.read_table(world / "observed" / file.path) for file in files]).to_pylist()
    return {row[key]: row for row in rows if row[key] is not None and "junk" not in row[key]}


def told(world: Path, name: str, key: str) -> dict[str, dict[str, object]]:
    return {row[key]: row for row in truth.read(world, name).to_pylist()}


@pytest.mark.parametrize(
    ("table", "of", "key"),
    [
        ("products", "products", "product_id"),
        ("addresses", "addresses", "address_id"),
        ("leads", "leads", "lead_id"),
        ("creators", "creators", "creator_id"),
        ("merchants", "merchants", "merchant_id"),
        ("delivery_attempts", "attempts", "attempt_id"),
        ("claims", "claims", "claim_id"),
    ],
)
def test_all_that_is_seen_has_its_truth(world: Path, table: str, of: str, key: str) -> None:
    rows = seen(world, table, key)
    assert rows
    assert not rows.keys() - told(world, of, key).keys()


def test_every_contact_has_the_effect_that_was_planted(world: Path) -> None:
    planted = told(world, "outreach", "outreach_id").keys() | told(world, "subsidies", "outreach_id").keys()
    assert not seen(world, "outreach", "outreach_id").keys() - planted


def test_couriers_say_what_happened_but_for_what_they_did_not_do(world: Path) -> None:
    attempts, causes = seen(world, "delivery_attempts", "attempt_id"), told(world, "attempts", "attempt_id")
    assert len(attempts) > 500
    for key, row in attempts.items():
        cause = str(causes[key]["true_cause"])
        is_delivered = cause in ("delivered", "false_scan")
        assert (row["outcome"] == "delivered") == is_delivered
        assert row["reason"] == (None if is_delivered else REASONS[SAID[CAUSES.index(cause)]])
        assert causes[key]["is_false"] == (cause in ("false_attempt", "false_scan"))


def test_claims_of_parcels_not_received_are_true_when_they_were_not(world: Path) -> None:
    receipts, claims = told(world, "receipts", "parcel_id"), told(world, "claims", "claim_id")
    missing = [row for row in claims.values() if row["kind"] == "not_received"]
    assert missing
    for row in missing:
        assert row["is_true"] == (not receipts[str(row["parcel_id"])]["is_received"])
    for key, row in seen(world, "claims", "claim_id").items():
        assert (row["parcel_id"], row["kind"]) == (claims[key]["parcel_id"], claims[key]["kind"])


def test_the_dead_sell_nothing(world: Path) -> None:
    died = {key: row["died_day"] for key, row in told(world, "merchant_deaths", "merchant_id").items()}
    orders = seen(world, "orders", "order_id")
    sold = seen(world, "parcels", "parcel_id").values()
    first = min(row["ordered_at"] for row in orders.values()).date()  # type: ignore[union-attr]  # instants
    assert died
    # An order of the evening has the next day's date in UTC.
    late = [row for row in sold if row["merchant_id"] in died and (row["ordered_at"].date() - first).days > died[row["merchant_id"]] + 1]  # type: ignore[attr-defined,index,operator]  # instants, numbers
    assert not late


def test_a_backlog_is_that_of_the_eve_and_what_came_less_what_was_done(world: Path) -> None:
    files = FolderManifest.read(world / "observed").of("shifts_daily")
    rows = pa.concat_tables([pq.read_table(world / "observed" / file.path) for file in files]).to_pylist()
    capacity = {(r["warehouse_id"], r["task"], r["date"]): r["capacity_units"] for r in truth.read(world, "shifts").to_pylist()}
    by_day = {(r["warehouse_id"], r["task"], r["date"]): r for r in rows if (r["warehouse_id"], r["task"], r["date"]) in capacity}
    eve: dict[tuple[str, str], int] = {}
    for (site, task, _), row in sorted(by_day.items(), key=lambda item: item[0][2]):
        before = eve.get((site, task))
        numbers = [row[f"{what}_units_count"] for what in ("arrived", "done", "backlog")]
        if None in numbers or any(number < 0 for number in numbers):
            eve.pop((site, task), None)
            continue
        if before is not None:
            assert before + numbers[0] - numbers[1] == numbers[2], (site, task, row["date"])
        eve[site, task] = numbers[2]
    assert len(eve) > 50
