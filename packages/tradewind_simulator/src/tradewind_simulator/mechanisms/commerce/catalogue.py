"""The products: who sells them, what they are, how good and how wanted; born with their merchants."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import NEVER
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.flows import Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.commerce.categories import CATEGORIES, NAMES, SHARES
from tradewind_simulator.mechanisms.commerce.neighbours import MerchantsLike
from tradewind_simulator.streams import Floats, Integers

SEGMENTS = ("budget", "mainstream", "premium")
"""Price tiers within a category: the elasticity differs by them."""
INITIAL_MERCHANTS_BELOW = 1_000_000
"""Merchants of the first day have smaller numbers."""
PRODUCTS_PER_MERCHANT = 1_000
"""A product's number is its merchant's number times this, plus its place in the merchant's catalogue."""

_SIZE, _CATEGORY, _OTHER, _PRICE, _WEIGHT, _DENSITY, _SHAPE_A, _SHAPE_B = range(8)
_QUALITY, _POPULARITY, _ELASTICITY, _MARGIN, _FULFILLED, _WAREHOUSE, _NAME, _DESCRIPTION, _PHOTOS = range(8, 17)
_SMALL_RATE = 0.05
"""Added to a merchant's sales rate (mean 1): whoever sells hardly anything lists something still."""
_BIRTH_ROWS_AT = 60
"""Seconds after local midnight at which the day's products are entered."""


class CatalogueParameters(BaseModel):
    """How many products, and what they are like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    products_per_daily_order: float = Field(
        default=3.0,
        gt=0,
        le=100,
        description="Products at the start per order a day. Chosen: most then sell less than daily, as Olist's do.",
    )
    products_at_least: int = Field(
        default=200, ge=1, le=100_000, description="Products at the start beside those. Chosen: small worlds have a choice too."
    )
    size_exponent: float = Field(
        default=1.0,
        ge=0,
        le=2,
        description="Power with which a merchant's catalogue grows with its sales. Chosen: in proportion, so that no single product carries a merchant.",
    )
    size_log_sd: float = Field(
        default=0.4,
        ge=0,
        le=3,
        description="Standard deviation of the rest of a catalogue's log size. Chosen: Olist's largest hundredth of sellers hold about a fifth of the products.",
    )
    own_category_share: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="Share of a merchant's products in its own category. Chosen: most Olist sellers have one main category.",
    )
    price_log_sd: float = Field(
        default=0.82,
        gt=0,
        le=2,
        description="Standard deviation of log price within a category. Olist: median about 75 BRL, mean 120, p90 230 over all.",
    )
    weight_log_sd: float = Field(
        default=1.15,
        gt=0,
        le=2,
        description="Standard deviation of log weight within a category. Olist: median 700 g, mean 2.1 kg, p95 10 kg over all.",
    )
    weight_of_price: float = Field(
        default=0.35,
        ge=0,
        le=2,
        description="Elasticity of weight in price within a category. Chosen: dearer things are larger; freight rises with price in Olist.",
    )
    popularity_log_sd: float = Field(
        default=0.9,
        gt=0,
        le=3,
        description="Standard deviation of log popularity. Chosen: with ranking it makes a Zipf-like head and intermittent tails.",
    )
    elasticity_by_segment: tuple[float, float, float] = Field(
        default=(-2.4, -1.8, -1.2),
        description="Mean own-price elasticity of budget, mainstream and premium. Bijmolt, van Heerde, Pieters 2005: mean -2.6 over 1,851 estimates; Tellis 1988: -1.8.",
    )
    elasticity_sd: float = Field(
        default=0.25, ge=0, le=1, description="Standard deviation of the elasticity within a segment. Chosen: segments stay apart."
    )
    cost_share: float = Field(
        default=0.62,
        gt=0,
        lt=1,
        description="Median unit cost as a share of the list price. Chosen: gross margins of online retail lie about 25 to 45 %.",
    )
    fulfilled_share: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Share of products stocked in fulfilment centres. Chosen: a programme that a minority has joined.",
    )

    def model_post_init(self, _: object) -> None:
        """Refuse elasticities that are not negative."""
        if max(self.elasticity_by_segment) >= 0:
            raise ValueError(f"elasticity_by_segment: expected negative numbers (found: {self.elasticity_by_segment})")


class Catalogue:
    """All products ever listed; a product's position never changes."""

    categories = NAMES

    def __init__(self, parameters: CatalogueParameters, surroundings: Surroundings, warehouses_count: int) -> None:
        self._parameters = parameters
        self._surroundings = surroundings
        self._warehouses = warehouses_count
        self._stream = surroundings.streams.stream("catalogue")
        self._merchants_seen = 0
        self._per_merchant = 0.0
        self.entities = Entities(
            merchant=np.int64, category=np.int64, segment=np.int64, list_price=np.int64, cost=np.int64, weight_g=np.int64,
            length_cm=np.int64, height_cm=np.int64, width_cm=np.int64, name_characters=np.int64, description_characters=np.int64,
            photos=np.int64, siblings=np.int64, quality=np.float64, popularity=np.float64, elasticity=np.float64, warehouse=np.int64, born_day=np.int64,
            is_active=np.bool_, first_seen_at=np.int64,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.entities)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.entities[name]

    def step(self, today: Today, merchants: MerchantsLike) -> None:
        """Products of merchants born since; those of merchants that are gone are taken from the shelves."""
        everyone = merchants.entities
        if len(everyone) > self._merchants_seen:
            self._list_products(today, merchants, np.arange(self._merchants_seen, len(everyone), dtype=np.int64))
            self._merchants_seen = len(everyone)
        self.entities["is_active"][:] = everyone["is_alive"][self.entities["merchant"]]

    def first_seen(self, product: Integers, at: Integers) -> None:
        """Note the products that had never been ordered and write their rows anew. Positions are unique."""
        unseen = self.entities["first_seen_at"][product] == NEVER
        product, at = product[unseen], at[unseen]
        self.entities["first_seen_at"][product] = at
        self._write(product, at)

    def arrays(self) -> Arrays:
        """What the next day needs."""
        return {"seen": np.array([self._merchants_seen]), "scale": np.array([self._per_merchant]), **self.entities.arrays("products.")}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        self._merchants_seen = int(arrays["seen"][0])
        self._per_merchant = float(arrays["scale"][0])
        self.entities.restore(arrays, "products.")

    def _counts(self, merchants: MerchantsLike, positions: Integers) -> Integers:
        """Products of each merchant; on the first day they are scaled so that all of them make the world's catalogue."""
        p, numbers = self._parameters, merchants.entities["number"][positions]
        size = (merchants.entities["sales_rate"][positions] + _SMALL_RATE) ** p.size_exponent
        size = size * np.exp(p.size_log_sd * self._stream.normal(numbers, slot=_SIZE))
        if self._per_merchant == 0.0:
            wanted = p.products_per_daily_order * self._surroundings.orders_per_day + p.products_at_least
            self._per_merchant = _scale(size[numbers < INITIAL_MERCHANTS_BELOW], wanted)
        return np.clip(np.floor(size * self._per_merchant), 1, PRODUCTS_PER_MERCHANT - 1).astype(np.int64)

    def _list_products(self, today: Today, merchants: MerchantsLike, positions: Integers) -> None:
        numbers = merchants.entities["number"][positions]
        counts = self._counts(merchants, positions)
        merchant = np.repeat(positions, counts)
        place = np.arange(len(merchant)) - np.repeat(np.cumsum(counts) - counts, counts)
        number = np.repeat(numbers, counts) * PRODUCTS_PER_MERCHANT + place
        drawn = self._drawn(number, merchant, merchants)
        added = self.entities.add(
            number=number, merchant=merchant, siblings=np.repeat(counts, counts), born_day=today.number, is_active=True, first_seen_at=NEVER, **drawn
        )  # fmt: skip
        self._write(added, np.full(len(added), today.start + _BIRTH_ROWS_AT))
        self._tell(added)

    def _drawn(self, number: Integers, merchant: Integers, merchants: MerchantsLike) -> dict[str, npt.NDArray[Any]]:
        p, draw = self._parameters, self._stream
        own = merchants.entities["category"][merchant]
        other = draw.choice(np.cumsum(SHARES), number, slot=_OTHER)
        category = np.where(draw.bernoulli(p.own_category_share, number, slot=_CATEGORY), own, other)
        price_z = draw.normal(number, slot=_PRICE)
        price = np.array([c.price for c in CATEGORIES])[category] * np.exp(p.price_log_sd * price_z)
        segment = np.digitize(price_z, (-0.55, 0.75)).astype(np.int64)
        elasticity = np.array(p.elasticity_by_segment)[segment] + p.elasticity_sd * draw.normal(number, slot=_ELASTICITY)
        weight = np.array([c.weight_g for c in CATEGORIES])[category]
        weight = weight * np.exp(p.weight_log_sd * draw.normal(number, slot=_WEIGHT) + p.weight_of_price * p.price_log_sd * price_z)
        weight = np.clip(np.round(weight / 25) * 25, 50, 40_000)
        list_price = np.maximum(np.round(price * 10) * 10, 500).astype(np.int64)
        margin = np.exp(0.12 * draw.normal(number, slot=_MARGIN))
        quality = 0.6 * merchants.entities["quality"][merchant] + 0.4 * draw.uniform(number, slot=_QUALITY)
        return {
            "category": category,
            "segment": segment,
            "list_price": list_price,
            "cost": np.round(list_price * np.minimum(p.cost_share * margin, 0.95)).astype(np.int64),
            "weight_g": weight.astype(np.int64),
            "quality": quality,
            "popularity": np.exp(p.popularity_log_sd * draw.normal(number, slot=_POPULARITY)),
            "elasticity": np.clip(elasticity, -4.0, -0.3),
            "warehouse": self._warehouse(number, merchants.entities["number"][merchant]),
            **self._sizes(number, weight),
            **self._presentation(number, quality),
        }

    def _warehouse(self, number: Integers, merchant_number: Integers) -> Integers:
        """One fulfilment centre per merchant, so that its parcels leave from one place."""
        if self._warehouses == 0:
            return np.full(len(number), -1, dtype=np.int64)
        weights = np.cumsum(1.0 / np.arange(1, self._warehouses + 1))
        theirs = self._stream.choice(weights, merchant_number, slot=_WAREHOUSE)
        return np.where(self._stream.bernoulli(self._parameters.fulfilled_share, number, slot=_FULFILLED), theirs, -1)

    def _sizes(self, number: Integers, weight_g: Floats) -> dict[str, Integers]:
        """A box of a density of about 0.2 g/cm³ (chosen: Olist's median is 700 g in 6.8 litres, so lighter things are airier)."""
        volume = 160 * weight_g**0.6 * np.exp(0.6 * self._stream.normal(number, slot=_DENSITY))
        side = np.cbrt(volume)
        long = np.exp(0.15 + 0.25 * np.abs(self._stream.normal(number, slot=_SHAPE_A)))
        flat = np.exp(-0.2 - 0.35 * np.abs(self._stream.normal(number, slot=_SHAPE_B)))
        return {
            "length_cm": np.clip(np.round(side * long), 16, 105).astype(np.int64),
            "height_cm": np.clip(np.round(side * flat), 2, 105).astype(np.int64),
            "width_cm": np.clip(np.round(side / (long * flat)), 11, 118).astype(np.int64),
        }

    def _presentation(self, number: Integers, quality: Floats) -> dict[str, Integers]:
        """Olist: names of about 48 characters (most 60 at the most), descriptions of 600 (median), 1 to 20 photos (mean 2.2)."""
        draw = self._stream
        return {
            "name_characters": np.clip(np.round(49 + 10 * draw.normal(number, slot=_NAME)), 5, 76).astype(np.int64),
            "description_characters": np.clip(np.exp(6.0 + 0.8 * quality + 0.75 * draw.normal(number, slot=_DESCRIPTION)), 4, 3990).astype(
                np.int64
            ),
            "photos": 1 + draw.poisson(0.4 + 1.6 * quality, number, slot=_PHOTOS),
        }

    def _write(self, product: Integers, at: Integers) -> None:
        e = self.entities
        self._surroundings.exports.append(
            "products",
            at,
            {
                "product_id": columns.ids("p", e["number"][product]),
                "first_seen_at": columns.instants(e["first_seen_at"][product]),
                "category": columns.words(e["category"][product], NAMES),
                "name_characters_count": columns.integers(e["name_characters"][product]),
                "description_characters_count": columns.integers(e["description_characters"][product]),
                "photos_count": columns.integers(e["photos"][product]),
                "weight_g": columns.integers(e["weight_g"][product]),
                "length_cm": columns.integers(e["length_cm"][product]),
                "height_cm": columns.integers(e["height_cm"][product]),
                "width_cm": columns.integers(e["width_cm"][product]),
            },
        )

    def _tell(self, product: Integers) -> None:
        e = self.entities
        self._surroundings.truth.append(
            "products",
            {
                "product_id": columns.ids("p", e["number"][product]),
                "quality": columns.floats(e["quality"][product]),
                "popularity": columns.floats(e["popularity"][product]),
                "segment": columns.words(e["segment"][product], SEGMENTS),
                "elasticity": columns.floats(e["elasticity"][product]),
                "list_price": columns.money(e["list_price"][product]),
                "unit_cost": columns.money(e["cost"][product]),
            },
        )


def _scale(size: Floats, wanted: float) -> float:
    """The factor by which floored (and at least 1, at most 999) catalogues sum to about ``wanted``."""
    low, high = 0.0, max(wanted, 1.0)
    for _ in range(50):
        middle = (low + high) / 2
        total = np.clip(np.floor(size * middle), 1, PRODUCTS_PER_MERCHANT - 1).sum()
        low, high = (middle, high) if total < wanted else (low, middle)
    return max(high, 1e-9)
