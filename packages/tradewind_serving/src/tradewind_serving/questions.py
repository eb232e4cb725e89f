"""What is asked of the service ``eta``: strict forms. Units stand in the names; money is in the world's currency."""

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tradewind_serving.prediction_log.treatments import Logged, Treatment

MAX_BATCH = 1000
"""Requests in one batch. Chosen: about 0.4 MB of JSON and well under a second of one core."""

DEFAULT_CONFIDENCE = 0.9

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _text_or_instant(value: Any) -> Any:
    # pydantic also reads a bare number, or its text, as seconds since 1970: a request says what it means.
    if isinstance(value, dt.datetime) or (isinstance(value, str) and _ISO.match(value)):
        return value
    raise ValueError("an instant is ISO 8601 text with an offset, such as 2018-06-01T10:30:00-03:00")


_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]")

Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_text_or_instant)]

Identifier = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]

PostalCode = Annotated[
    str, Field(pattern=r"^\d{5}(-?\d{3})?$", description="Five digits (the postal area) or all eight: 01310 or 01310-100.")
]

Category = Annotated[str, Field(min_length=1, max_length=80)]

Grams = Annotated[int, Field(ge=1, le=200_000, description="Weight in grams, 1 to 200 000.")]

Units = Annotated[int, Field(ge=1, le=1000, description="Units, 1 to 1000.")]

CubicCentimetres = Annotated[int, Field(ge=1, le=10_000_000, description="Volume in cubic centimetres.")]


class Item(BaseModel):
    """Units of one product. ``weight_g`` and ``volume_cm3`` are of one unit."""

    model_config = STRICT

    weight_g: Grams
    quantity: Units = 1
    volume_cm3: CubicCentimetres | None = None
    category: Category | None = Field(default=None, description="Product category, as in the landing table products.")


class EtaRequest(BaseModel):
    """One parcel to be estimated, as it is known when the order is placed. Either ``items`` or ``weight_g``, not both.

    Beside each field stands what the prediction log keeps of it.
    """

    model_config = STRICT

    merchant_id: Annotated[Identifier, Logged("merchant_id", of="parcels.merchant_id")] = Field(
        description="Who ships. An unknown merchant is answered with a fallback."
    )
    destination_postal_code: Annotated[PostalCode, Logged("destination_area", Treatment.AREA, of="parcels.destination_postal_area_id")]
    origin_postal_code: Annotated[PostalCode | None, Logged("origin_area", Treatment.AREA, of="parcels.origin_postal_area_id")] = Field(
        default=None, description="Where it leaves from; default: the merchant's own area."
    )
    items: Annotated[list[Item] | None, Logged("numbers, texts", Treatment.TOTAL)] = Field(default=None, min_length=1, max_length=200)
    weight_g: Annotated[Grams | None, Logged("numbers", of="parcels.weight_g")] = Field(
        default=None, description="Instead of `items`: weight of the whole parcel in grams."
    )
    volume_cm3: Annotated[CubicCentimetres | None, Logged("numbers", of="parcels.volume_cm3")] = Field(
        default=None, description="With `weight_g`: volume of the whole parcel."
    )
    items_count: Annotated[Units | None, Logged("numbers", of="parcels.items_count")] = Field(
        default=None, description="With `weight_g`: units in the parcel; default 1."
    )
    category: Annotated[Category | None, Logged("texts", of="products.category")] = Field(
        default=None, description="With `weight_g`: product category of the heaviest unit."
    )
    price: Annotated[float, Logged("numbers", of="parcels.price")] = Field(
        ge=0, le=1_000_000, description="Sum of the prices, world's currency."
    )
    freight: Annotated[float, Logged("numbers", of="parcels.freight")] = Field(
        ge=0, le=100_000, description="Freight charged, world's currency."
    )
    ordered_at: Annotated[Instant | None, Logged("ordered_at", of="parcels.ordered_at")] = Field(
        default=None, description="When it was ordered, with its offset; default: now on the world's clock."
    )
    confidence: Annotated[float, Logged("confidence")] = Field(
        default=DEFAULT_CONFIDENCE, ge=0.05, le=0.99, description="How sure the promise date must be, 0.05 to 0.99."
    )
    order_id: Annotated[Identifier | None, Logged("order_id", of="parcels.order_id")] = Field(
        default=None,
        description="Your reference to the order. It changes no answer: by it the log of answers is joined to what happened.",
    )

    @model_validator(mode="after")
    def _one_way_of_weight(self) -> "EtaRequest":
        if (self.items is None) == (self.weight_g is None):
            raise ValueError("expected either items or weight_g" + ("" if self.items is None else ", found both"))
        beside = [name for name in ("volume_cm3", "items_count", "category") if getattr(self, name) is not None]
        if self.items is not None and beside:
            raise ValueError(f"{', '.join(beside)}: with weight_g only; with items each item has its own")
        return self


class EtaBatch(BaseModel):
    """Several parcels in one request; they are answered in the same order, by one version."""

    model_config = STRICT

    requests: list[EtaRequest] = Field(min_length=1, max_length=MAX_BATCH)
