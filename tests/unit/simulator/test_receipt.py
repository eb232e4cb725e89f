"""Receipt: what is delivered and not received, by planted causes."""

import dataclasses

import numpy as np
import pytest
from parcel_world import AREAS, NEVER, ParcelWorld, joined
from pydantic import ValidationError
from scipy.special import expit

from tradewind_simulator.mechanisms.delivery.endings import CAUSES, FALSE_SCAN, MISDELIVERY, THEFT
from tradewind_simulator.mechanisms.delivery.receipt import Doorstep, Receipt, ReceiptParameters

_COUNT = 100_000


def _receipt(**changes: float) -> Receipt:
    return Receipt(ReceiptParameters(**changes), ParcelWorld().surroundings, AREAS)


def _doors(**changes: float) -> Doorstep:
    number, zero = np.arange(_COUNT), np.zeros(_COUNT)
    usual = Doorstep(number, number % AREAS, zero > 0, zero, np.full(_COUNT, 10_000), zero, zero, zero)
    return dataclasses.replace(usual, **{name: np.full(_COUNT, value) for name, value in changes.items()})


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"value": 200_000}, THEFT),
        ({"written": 2.0}, MISDELIVERY),
        ({"is_flat": True}, MISDELIVERY),
        ({"dishonesty": 2.0}, FALSE_SCAN),
        ({"pressure": 3.0}, FALSE_SCAN),
        ({"progress": 0.9}, FALSE_SCAN),
    ],
)
def test_each_cause_follows_what_was_planted(change: dict[str, float], cause: int) -> None:
    receipt = _receipt()
    usual, more = receipt.causes(_doors()), receipt.causes(_doors(**change))
    assert (more == cause).sum() > 1.4 * (usual == cause).sum()
    assert ((usual == cause) <= ((more == cause) | (more > cause))).all()


def test_theft_is_as_frequent_as_its_log_odds_say() -> None:
    receipt = _receipt(theft=-4.0, theft_area_spread=0.0, misdelivery=-30.0, false_scan=-30.0)
    assert abs((receipt.causes(_doors()) == THEFT).mean() - expit(-4.0)) < 0.002


def test_areas_differ_in_theft_and_truth_says_how() -> None:
    receipt = _receipt(theft=-3.0)
    stolen = receipt.causes(_doors()) == THEFT
    by_area = np.bincount(np.arange(_COUNT) % AREAS, weights=stolen)
    assert np.corrcoef(by_area, np.exp(receipt.area_effects))[0, 1] > 0.9


def test_truth_names_those_not_received_and_the_lies_and_no_others() -> None:
    world = ParcelWorld(orders=200, receipt=ReceiptParameters(lie=-3.0, theft=-3.5))
    ended = joined([world.step(day)[1] for day in range(35)])
    told = {row["parcel_id"]: row for row in world.told("receipts")}
    missing = {f"x{number}" for number in ended["number"][ended["cause"] > 0]}
    lies = {parcel for parcel, row in told.items() if row["cause"] == "false_claim"}
    assert set(told) == missing | lies
    assert lies
    assert all(told[parcel]["is_received"] for parcel in lies)
    assert not any(told[parcel]["is_received"] for parcel in missing)
    assert {row["cause"] for row in told.values()} <= {*CAUSES[1:], "false_claim"}
    assert not ((ended["cause"] > 0) & (ended["delivered_at"] == NEVER)).any()
    assert np.array_equal(ended["is_received"], (ended["delivered_at"] < NEVER) & (ended["cause"] == 0))


def test_scans_betray_false_ones_by_their_distance() -> None:
    world = ParcelWorld(orders=200, receipt=ReceiptParameters(false_scan=-2.5, misdelivery=-2.5))
    ended = joined([world.step(day)[1] for day in range(25)])
    median = [
        np.median(ended["scan_m"][(ended["cause"] == cause) & (ended["delivered_at"] < NEVER)]) for cause in (0, MISDELIVERY, FALSE_SCAN)
    ]
    assert median[0] < 60 < median[1] < 300 < median[2]


def test_impossible_parameters_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="theft_area_spread"):
        ReceiptParameters(theft_area_spread=-0.1)
