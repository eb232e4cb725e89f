"""What may be asked: strict forms whose refusals name the field."""

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tradewind_serving.parcels import parcels_of
from tradewind_serving.questions import MAX_BATCH, EtaBatch, EtaRequest

GOOD: dict[str, Any] = {
    "merchant_id": "m1",
    "destination_postal_code": "22250-040",
    "weight_g": 700,
    "price": 59.9,
    "freight": 12.5,
    "ordered_at": "2018-06-01T10:30:00-03:00",
}


def read(**changes: Any) -> EtaRequest:
    body = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return EtaRequest.model_validate_json(json.dumps(body))


def test_a_good_request_is_read() -> None:
    request = read()
    assert request.ordered_at is not None
    assert request.ordered_at.isoformat() == "2018-06-01T10:30:00-03:00"
    assert request.confidence == 0.9


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"merchant": "m1"}, "merchant"),
        ({"merchant_id": ""}, "merchant_id"),
        ({"merchant_id": "m 1; drop"}, "merchant_id"),
        ({"destination_postal_code": "2225"}, "destination_postal_code"),
        ({"destination_postal_code": 22250}, "destination_postal_code"),
        ({"origin_postal_code": "sao-paulo"}, "origin_postal_code"),
        ({"weight_g": 0}, "weight_g"),
        ({"weight_g": "700"}, "weight_g"),
        ({"weight_g": 700.5}, "weight_g"),
        ({"price": -1}, "price"),
        ({"price": True}, "price"),
        ({"freight": ...}, "freight"),
        ({"ordered_at": "2018-06-01T10:30:00"}, "ordered_at"),
        ({"ordered_at": 1527859800}, "ordered_at"),
        ({"ordered_at": "1527859800"}, "ordered_at"),
        ({"ordered_at": "2018-13-01T10:30:00Z"}, "ordered_at"),
        ({"confidence": 1.0}, "confidence"),
        ({"weight_g": ..., "items": []}, "items"),
        ({"weight_g": ..., "items": [{"weight_g": 1, "colour": "red"}]}, "items.0.colour"),
        ({"weight_g": ..., "items": [{"weight_g": 1, "quantity": 0}]}, "items.0.quantity"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(**changes)
    assert field in {".".join(str(part) for part in error["loc"]) for error in refused.value.errors()}


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_refused(bad: str) -> None:
    text = '{"merchant_id": "m1", "destination_postal_code": "22250", "weight_g": 1, "freight": 1, "price": ' + bad + "}"
    with pytest.raises(ValidationError, match="price"):
        EtaRequest.model_validate_json(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"items": [{"weight_g": 1}]},
        {"weight_g": ...},
        {"weight_g": ..., "items": [{"weight_g": 1}], "volume_cm3": 3},
        {"weight_g": ..., "items": [{"weight_g": 1}], "category": "toys"},
    ],
)
def test_weight_comes_in_exactly_one_way(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="weight_g"):
        read(**changes)


def test_a_batch_is_bounded_on_both_sides() -> None:
    request = read()
    assert len(EtaBatch(requests=[request] * MAX_BATCH).requests) == MAX_BATCH
    for size in (0, MAX_BATCH + 1):
        with pytest.raises(ValidationError):
            EtaBatch(requests=[request] * size)


def test_items_become_the_totals_of_the_parcel() -> None:
    items = [
        {"weight_g": 100, "quantity": 3, "volume_cm3": 10, "category": "pens"},
        {"weight_g": 900, "quantity": 1, "volume_cm3": 50, "category": "lamps"},
    ]
    two = [read(weight_g=..., items=items), read(weight_g=..., items=[*items, {"weight_g": 5}])]
    parcels = parcels_of(two, np.array(["2018-06-01", "2018-06-02"], dtype="datetime64[us]"))
    assert parcels.columns["weight_g"].tolist() == [1200.0, 1205.0]
    assert parcels.columns["items_count"].tolist() == [4.0, 5.0]
    assert parcels.columns["volume_cm3"][0] == 80.0
    assert np.isnan(parcels.columns["volume_cm3"][1]), "one unit's volume is unknown, so is the parcel's"
    assert parcels.columns["category"].tolist() == ["lamps", "lamps"]
    assert parcels.destination_area == ["22250", "22250"]
