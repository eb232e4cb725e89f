"""Reviews: one survey an order, on time or not, with the scores that Olist's customers gave."""

import datetime as dt
from typing import Any

import numpy as np
import pytest
from parcel_world import ParcelWorld, joined
from pydantic import ValidationError

from tradewind_simulator.mechanisms.delivery.handling import HandlingParameters
from tradewind_simulator.mechanisms.delivery.reviews import Reviews, ReviewsParameters


def _law() -> Reviews:
    world = ParcelWorld()
    return world.reviews


def _rows(world: ParcelWorld) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in world.said("reviews"):
        rows.setdefault(row["order_id"], []).append(row)
    return rows


def test_scores_on_time_are_near_olists() -> None:
    up_to = np.array([_law().chances(2.0 * (0.5 - np.linspace(0.25, 0.99, 99)) + 0.5 * z).mean(axis=1) for z in (-1.0, 0.0, 1.0)]).mean(
        axis=0
    )
    shares = np.diff(np.concatenate([[0.0], up_to, [1.0]]))
    assert np.abs(shares - [0.068, 0.027, 0.083, 0.206, 0.616]).max() < 0.02


@pytest.mark.parametrize(("days", "mean"), [(1, 3.65), (2, 3.15), (3, 2.61), (7, 1.85), (12, 1.65)])
def test_scores_given_days_late_are_near_olists(days: int, mean: float) -> None:
    p = ReviewsParameters()
    shift = p.late * -np.expm1(-days / p.late_days) + 2.0 * (0.5 - np.linspace(0.25, 0.99, 99))
    found = 5.0 - _law().chances(shift).mean(axis=1).sum()
    assert abs(found - mean) < 0.3


def test_worse_never_gives_a_better_score() -> None:
    shift = np.linspace(-3.0, 8.0, 200)
    assert (np.diff(_law().chances(shift), axis=1) > 0).all()


def test_one_survey_an_order_and_the_answer_later() -> None:
    world = ParcelWorld(orders=100)
    ended = joined([world.step(day)[1] for day in range(40)])
    rows = _rows(world)
    for versions in rows.values():
        assert len({row["review_id"] for row in versions}) == 1
        asked, *answers = versions
        assert len(answers) <= 1
        assert not asked.keys() & {"answered_at", "score", "has_title", "has_message"}
        assert all(answer["answered_at"] > answer["asked_at"] == asked["asked_at"] for answer in answers)
        assert all(1 <= answer["score"] <= 5 for answer in answers)
    orders = {f"o{order}" for order in ended["order"]}
    assert len(orders & set(rows)) > 0.95 * len(orders)


def test_those_on_time_are_asked_the_day_after_and_those_who_wait_after_the_promise() -> None:
    world = ParcelWorld(orders=100)
    ended = joined([world.step(day)[1] for day in range(40)])
    rows = _rows(world)
    by_order: dict[int, list[int]] = {}
    for place, order in enumerate(ended["order"]):
        by_order.setdefault(int(order), []).append(place)
    late_ones = 0
    for order, places in by_order.items():
        if f"o{order}" not in rows or len(places) < ended["siblings"][places[0]]:
            continue
        asked = int(rows[f"o{order}"][0]["asked_at"].timestamp())
        over = max(min(int(ended["delivered_at"][place]), int(ended["returned_at"][place])) for place in places)
        after_delivery = int(world.days.of(np.array([over]))[0]) + 1
        after_promise = int(world.days.of(ended["promised_at"][places[:1]])[0]) + 2
        assert asked == world.days.start(min(after_delivery, after_promise))
        late_ones += after_promise < after_delivery
    assert late_ones > 20


def test_an_order_called_off_is_never_asked() -> None:
    hasty = HandlingParameters.model_validate({"approvals": {"cancelled_per_day": 0.3}})
    world = ParcelWorld(orders=100, handling=hasty)
    for day in range(40):
        world.step(day)
    orders = world.handling.shipments.orders.entities
    off = {f"o{number}" for number in orders["number"][orders["cancelled_at"] < world.days.start(16)]}
    assert len(off) > 100
    assert not off & set(_rows(world))


def test_what_goes_wrong_lowers_the_score() -> None:
    world = ParcelWorld(orders=300)
    steps = [world.step(day) for day in range(60)]
    ended = joined([ended for _, ended, _ in steps])
    score = {row["order_id"]: row["score"] for versions in _rows(world).values() for row in versions if "score" in row}
    damaged, missing = ({f"o{order}" for order in ended["order"][flag]} for flag in (ended["is_damaged"], ~ended["is_received"]))
    well = np.mean([value for order, value in score.items() if order not in damaged | missing])
    for bad in (damaged - missing, missing - damaged):
        assert np.mean([value for order, value in score.items() if order in bad]) < well - 0.7
    told = joined([scores for _, _, scores in steps])
    due = dt.datetime.fromtimestamp(world.days.start(60), dt.UTC)
    answered = sum("answered_at" in row and row["answered_at"] < due for versions in _rows(world).values() for row in versions)
    assert len(told["score"]) == answered


def test_nothing_is_kept_for_ever() -> None:
    world = ParcelWorld(orders=100)
    sizes = []
    for day in range(90):
        world.step(day)
        sizes.append(len(world.reviews.open))
    assert max(sizes[60:]) < 1.3 * max(sizes[30:60])
    asked_long_ago = world.reviews.open["asked_at"] < world.days.start(20)
    assert not asked_long_ago.any()


def test_going_on_from_a_checkpoint_changes_nothing() -> None:
    whole, first, second = ParcelWorld(), ParcelWorld(), ParcelWorld()
    expected = joined([whole.step(day)[2] for day in range(26)][18:])
    for day in range(18):
        first.step(day)
    for name in ("handling", "last_mile", "reviews"):
        getattr(second, name).restore(getattr(first, name).arrays())
    second.exports.restore(first.exports.waiting(), first.exports.arrays())
    second.travelling = first.travelling
    found = joined([second.step(day)[2] for day in range(18, 26)])
    assert len(expected["score"]) > 50
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


def test_impossible_parameters_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="up_to_2"):
        ReviewsParameters(up_to_2=0.5)
    with pytest.raises(ValidationError, match="message"):
        ReviewsParameters(message=0.9)
    with pytest.raises(ValidationError, match="answered_share"):
        ReviewsParameters(answered_share=-0.1)
