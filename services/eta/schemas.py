"""The forms of the service ``eta``: what it takes, what it answers, and its OpenAPI document with examples."""

from typing import Any

from tradewind_serving.answers import EtaAnswer, EtaBatchAnswer, Health
from tradewind_serving.openapi import Operation, document
from tradewind_serving.questions import MAX_BATCH, EtaBatch, EtaRequest

__all__ = ["EtaAnswer", "EtaBatch", "EtaBatchAnswer", "EtaRequest", "Health", "openapi_document"]

DESCRIPTION = """When will this parcel arrive?

An answer has three quantiles (p10, p50, p90) as days, instants and local dates, a promise date for the confidence that you choose,
the version that answered, the age of each feature view, and every fallback that was taken. Units stand in the names; instants are
ISO 8601 with an offset; money is in the world's currency."""

REQUEST_EXAMPLES: dict[str, dict[str, Any]] = {
    "items": {
        "merchant_id": "955fee9216a65b617aa5c0531780ce60",
        "destination_postal_code": "22250-040",
        "items": [{"category": "bed_bath_table", "weight_g": 1150, "volume_cm3": 9600, "quantity": 2}],
        "price": 179.8,
        "freight": 24.35,
        "ordered_at": "2018-06-01T10:30:00-03:00",
        "confidence": 0.9,
        "order_id": "53cdb2fc8bc7dce0b6741e2150273451",
    },
    "weight only, ordered now": {
        "merchant_id": "955fee9216a65b617aa5c0531780ce60",
        "destination_postal_code": "69005",
        "weight_g": 700,
        "category": "toys",
        "price": 59.9,
        "freight": 21.4,
    },
}

ANSWER_EXAMPLE: dict[str, Any] = {
    "decision_id": "8f14e45f-ceea-467f-a8f7-54a6f1c2b7de",
    "model": {
        "name": "eta",
        "number": 3,
        "digest": "9b1c6f0a3f6f4e5f8f0e6b7c2a1d4c3b5a69788796a5b4c3d2e1f00112233445",
        "source": "registry",
    },
    "ordered_at": "2018-06-01T13:30:00Z",
    "estimates": {
        "p10": {"days": 4.1, "at": "2018-06-05T15:54:00Z", "local_date": "2018-06-05"},
        "p50": {"days": 7.6, "at": "2018-06-09T03:54:00Z", "local_date": "2018-06-09"},
        "p90": {"days": 14.2, "at": "2018-06-15T18:18:00Z", "local_date": "2018-06-15"},
    },
    "promise": {"confidence": 0.9, "extrapolated": False, "days": 14.2, "at": "2018-06-15T18:18:00Z", "date": "2018-06-15"},
    "feature_ages": {"merchant_handling_30d": {"hours": 13.5, "reason": None}},
    "fallbacks": [{"kind": "no_volume", "detail": "volume_cm3 was not sent; the model treats it as unknown"}],
}

HEALTH_EXAMPLE: dict[str, Any] = {
    "status": "ok",
    "model": ANSWER_EXAMPLE["model"],
    "world": "olist",
    "now": "2018-06-01T03:00:00Z",
    "refused": None,
}

OPERATIONS = (
    Operation(
        path="/predict",
        method="POST",
        name="predict",
        description="The estimate of one parcel.",
        answer=EtaAnswer,
        answer_example=ANSWER_EXAMPLE,
        request=EtaRequest,
        request_examples=REQUEST_EXAMPLES,
    ),
    Operation(
        path="/predict_batch",
        method="POST",
        name="predict_batch",
        description=f"The estimates of 1 to {MAX_BATCH} parcels, in their order, all by one version.",
        answer=EtaBatchAnswer,
        answer_example={"answers": [ANSWER_EXAMPLE]},
        request=EtaBatch,
        request_examples={"two parcels": {"requests": list(REQUEST_EXAMPLES.values())}},
    ),
    Operation(
        path="/health",
        method="GET",
        name="health",
        description="Which version is served, over which world, and whether all is well.",
        answer=Health,
        answer_example=HEALTH_EXAMPLE,
    ),
)


def openapi_document(version: str) -> dict[str, Any]:
    """The OpenAPI document of the service; ``version`` is the Bento's."""
    return document("eta", version, DESCRIPTION, OPERATIONS)
