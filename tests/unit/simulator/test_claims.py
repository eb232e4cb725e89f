"""Claims: not every victim claims, some who are none do, and the platform decides by its policy."""

from typing import Any

import numpy as np
import pytest
from parcel_world import ParcelWorld, joined
from pydantic import ValidationError

from tradewind_simulator.mechanisms.delivery.claims import ClaimsParameters
from tradewind_simulator.mechanisms.delivery.receipt import ReceiptParameters


def _told(world: ParcelWorld) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    truth = {row["claim_id"]: row for row in world.told("claims")}
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in world.said("claims"):
        rows.setdefault(row["claim_id"], []).append(row)
    return truth, rows


def _world(**parameters: Any) -> tuple[ParcelWorld, dict[str, np.ndarray]]:
    world = ParcelWorld(orders=200, **parameters)
    return world, joined([world.step(day)[1] for day in range(35)])


def test_only_a_part_of_the_victims_claims_and_liars_always_do() -> None:
    world, ended = _world(receipt=ReceiptParameters(theft=-2.5, lie=-3.5))
    truth, rows = _told(world)
    victims = {f"x{number}" for number in ended["number"][ended["cause"] > 0]}
    receipts = {row["parcel_id"]: row["cause"] for row in world.told("receipts")}
    liars = {parcel for parcel, cause in receipts.items() if cause == "false_claim"}
    claimants = {row["parcel_id"] for row in truth.values() if row["kind"] == "not_received"}
    assert liars
    assert liars <= claimants
    assert claimants <= victims | liars
    assert 0.5 < len(claimants & victims) / len(victims) < 0.85
    assert {row["parcel_id"] for row in truth.values() if not row["is_true"]} == liars
    assert set(rows) == set(truth)


def test_what_is_decided_is_known_only_then() -> None:
    _, rows = _told(_world(receipt=ReceiptParameters(theft=-2.5))[0])
    assert len(rows) > 100
    for opened, resolved in rows.values():
        assert not opened.keys() & {"resolved_at", "resolution", "refund"}
        assert resolved["resolved_at"] > resolved["opened_at"]
        assert resolved["opened_at"] == opened["opened_at"]
        assert (resolved["refund"] > 0) == (resolved["resolution"] == "refunded")


def test_damage_is_the_ground_of_damage_claims() -> None:
    world, ended = _world()
    truth, _ = _told(world)
    damaged = {f"x{number}" for number in ended["number"][ended["is_damaged"]]}
    assert {row["parcel_id"] for row in truth.values() if row["kind"] == "damaged"} <= damaged


def test_better_merchants_pack_the_wrong_thing_less_often() -> None:
    world, ended = _world(claims=ClaimsParameters(wrong=-2.0, wrong_item=9.0))
    truth, _ = _told(world)
    wrong = {row["parcel_id"] for row in truth.values() if row["kind"] == "wrong_item"}
    quality = dict(zip((f"x{number}" for number in ended["number"]), ended["quality"], strict=True))
    assert len(wrong) > 100
    assert np.mean([quality[parcel] for parcel in wrong]) < np.mean(list(quality.values())) - 0.05


def test_petty_claims_are_rarely_rejected_and_near_scans_count_against_the_claim() -> None:
    world, ended = _world(receipt=ReceiptParameters(theft=-1.0))
    _, rows = _told(world)
    facts = {f"x{n}": (price, metres) for n, price, metres in zip(ended["number"], ended["price"], ended["scan_m"], strict=True)}
    shares = {}
    for name, chosen in {
        "petty": lambda price, _: price <= 8000,
        "near": lambda price, metres: price > 8000 and metres < 60,
        "far": lambda price, metres: price > 8000 and metres >= 60,
    }.items():
        mine = [resolved for _, resolved in rows.values() if resolved["kind"] == "not_received" and chosen(*facts[resolved["parcel_id"]])]
        shares[name] = np.mean([row["resolution"] == "rejected" for row in mine])
    assert shares["petty"] < 0.08 < shares["far"] < shares["near"]


def test_impossible_parameters_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="patient_share"):
        ClaimsParameters(patient_share=2.0)
