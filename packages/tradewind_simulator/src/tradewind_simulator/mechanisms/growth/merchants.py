"""The merchants of a world: who they are, how they stand, how they are born of leads and give up.

A merchant's sales are what customers order (``demand``); here is its latent scale of sales, lognormal over merchants (Abe 2009,
""Counting your customers" one by one", Marketing Science 28: the Pareto/NBD model with lognormal rates), with growth of its own, a start-up phase, and factors of rating, tier and what was done to it (``outreach``,
``subsidies``). Its death is latent: the platform only sees that it sells no more. All that a day's step reads is of last night.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import NEVER
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.exports import Columns, Ledger
from tradewind_simulator.flows import Flags, Scores, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.growth.contacts import Contacts
from tradewind_simulator.mechanisms.growth.leads import Leads, LeadsParameters, merchant_numbers
from tradewind_simulator.mechanisms.growth.merchant_traits import (
    FIRST_WON_MERCHANT,
    MerchantTraits,
    MerchantTraitsParameters,
    Places,
    quality,
)
from tradewind_simulator.mechanisms.growth.outreach import Candidates, Outreach, OutreachParameters
from tradewind_simulator.mechanisms.growth.subsidies import Applicants, Subsidies, SubsidiesParameters
from tradewind_simulator.mechanisms.growth.survival import Standing, Survival, SurvivalParameters
from tradewind_simulator.mechanisms.growth.tiers import TiersParameters, tiers
from tradewind_simulator.streams import Floats, Integers

_COLUMNS: dict[str, npt.DTypeLike] = {
    # What it is.
    "area": np.int64, "state": np.int64, "category": np.int64, "segment": np.int64, "born_day": np.int64,
    "standing": np.float64, "quality": np.float64, "sales_rate": np.float64, "growth": np.float64, "death_rate": np.float64,
    "resistance": np.float64, "handling_hours": np.float64, "handling_sigma": np.float64, "cancel_probability": np.float64,
    # How it stands.
    "is_alive": np.bool_, "died_day": np.int64, "tier": np.int64, "first_seen_at": np.int64, "hazard": np.float64, "hazard_sum": np.float64,
    "rating_sum": np.float64, "rating_count": np.float64, "late": np.float64, "delivered": np.float64,
    "sales_28d": np.float64, "sales_90d": np.float64, "revenue_28d": np.float64,
    # What was done to it.
    "support_until": np.int64, "support_hazard": np.float64, "support_sales": np.float64,
    "subsidy_from": np.int64, "subsidy_until": np.int64, "subsidy_share": np.float64, "subsidy_response": np.float64,
}  # fmt: skip
_NO_DAY = -1
_PRIOR_REVIEWS, _PRIOR_PARCELS = 10.0, 20.0
"""Chosen: weight of the typical rating and late share in a merchant's own."""
_TYPICAL_BASKET_CENTS = 13_000
"""Olist: mean price of an order's items about 137 BRL; only where a merchant's revenue is not known yet."""


class MerchantsParameters(BaseModel):
    """Merchants, their leads, contacts and subsidies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    initial_per_order: float = Field(default=0.35, ge=0, le=100, description="Initial merchants per order a day; chosen (Olist: about 4 sellers "
                                     "with a sale in a quarter per order a day; fewer here, so that each has a history).")  # fmt: skip
    initial_least: int = Field(default=30, ge=1, le=100_000, description="Initial merchants beside those; chosen.")
    rating_effect: float = Field(default=0.25, ge=0, le=5, description="On log demand, per star above the typical rating; chosen.")
    start_days: float = Field(default=45.0, gt=0, description="Days in which a newcomer's sales come to 63 % of their level; chosen.")
    traits: MerchantTraitsParameters = Field(default_factory=MerchantTraitsParameters)
    survival: SurvivalParameters = Field(default_factory=SurvivalParameters)
    tiers: TiersParameters = Field(default_factory=TiersParameters)
    leads: LeadsParameters = Field(default_factory=LeadsParameters)
    outreach: OutreachParameters = Field(default_factory=OutreachParameters)
    subsidies: SubsidiesParameters = Field(default_factory=SubsidiesParameters)


class Merchants:
    """All merchants that ever were; positions never change, the dead stay with ``is_alive`` False.

    ``entities`` holds one position per merchant: ``standing`` is latent quality as a normal score, ``quality`` the same from 0 to 1;
    ``handling_hours`` the median hours from approval to hand-over and ``handling_sigma`` the log standard deviation around it;
    ``sales_28d``, ``sales_90d`` smoothed orders of that many days (weights fall exponentially), ``revenue_28d`` cents likewise.
    """

    def __init__(
        self,
        parameters: MerchantsParameters,
        surroundings: Surroundings,
        places: Places,
        categories: tuple[str, ...],
        category_weights: Floats,
    ) -> None:
        self.parameters = parameters
        self._surroundings = surroundings
        self.traits = MerchantTraits(parameters.traits, surroundings.streams, places, categories, category_weights)
        self._survival = Survival(parameters.survival, surroundings.streams.stream("survival"))
        contacts = Contacts(surroundings)
        self.outreach = Outreach(parameters.outreach, surroundings, contacts)
        self.subsidies = Subsidies(parameters.subsidies, surroundings, contacts)
        self.leads = Leads(parameters.leads, surroundings, self.outreach, self.traits)
        self.entities = Entities(**_COLUMNS)
        self._ledger = surroundings.exports.ledger(
            "merchants", Ledger(("joined_at", "first_seen_at"), self._render, area=np.int64, state=np.int64)
        )

    def step(self, today: Today) -> None:
        """Births, tiers, deaths, contacts and subsidies of a day."""
        if today.number == 0:
            self._settle(today)
        self._age()
        born = self.leads.step(today)
        if len(born):
            numbers = merchant_numbers(born)
            self._add(today, numbers, self.leads.traits(born).standing, np.full(len(born), today.number, dtype=np.int64))
        e = self.entities
        if today.date.day == 1:
            e["tier"][:] = tiers(self.parameters.tiers, e["tier"], e["sales_90d"])
        self._bury(today)
        if today.weekday == 0:
            self._retain(today)
        if self.subsidies.is_decided_on(today.number):
            self._subsidise(today)

    def subsidy(self, today: Today) -> Floats:
        """Share of the list price that the platform pays today, by merchant."""
        e = self.entities
        runs = (e["subsidy_from"] <= today.number) & (today.number <= e["subsidy_until"])
        return np.where(runs, np.minimum(e["subsidy_share"] * self.subsidies.factor(today), 0.9), 0.0)

    def demand_lift(self, today: Today) -> Floats:
        """Factor on the demand for each merchant's products today, its latent scale of sales (mean 1) included; 0 of the dead."""
        e, p = self.entities, self.parameters
        active_days = today.number - np.maximum(e["born_day"], 0)
        started = np.where(e["born_day"] < 0, 1.0, -np.expm1(-(today.number - e["born_day"] + 1) / p.start_days))
        supported = np.where(today.number <= e["support_until"], e["support_sales"], 0.0)
        log_factor = (
            e["growth"] * np.minimum(active_days / 365.0, 3.0)
            + p.rating_effect * (self.rating() - p.survival.typical_rating)
            + p.tiers.visibility * e["tier"]
            + supported
            + e["subsidy_response"] * self.subsidies.concave(self.subsidy(today))
        )
        return np.where(e["is_alive"], e["sales_rate"] * started * np.exp(np.clip(log_factor, -3.0, 3.0)), 0.0)

    def rating(self) -> Floats:
        """Stars as of last night, drawn to the typical rating where there are few reviews."""
        e, typical = self.entities, self.parameters.survival.typical_rating
        rating: Floats = (e["rating_sum"] + _PRIOR_REVIEWS * typical) / (e["rating_count"] + _PRIOR_REVIEWS)
        return rating

    def late_share(self) -> Floats:
        """Share of its parcels that came late, as of last night, drawn to the typical one where there are few."""
        e, typical = self.entities, self.parameters.survival.typical_late_share
        share: Floats = (e["late"] + _PRIOR_PARCELS * typical) / (e["delivered"] + _PRIOR_PARCELS)
        return share

    def observe_orders(self, merchant: Integers, cents: Integers | None = None) -> None:
        """The day's orders by merchant's position, one entry each (an item or a parcel), with what the merchant earns."""
        e = self.entities
        counts = np.bincount(merchant, minlength=len(e)).astype(np.float64)
        earned = counts * _TYPICAL_BASKET_CENTS if cents is None else np.bincount(merchant, weights=cents, minlength=len(e))
        e["sales_28d"][:] += counts
        e["sales_90d"][:] += counts
        e["revenue_28d"][:] += earned

    def observe_scores(self, scores: Scores) -> None:
        """The day's reviews."""
        e = self.entities
        e["rating_sum"][:] += np.bincount(scores.merchant, weights=scores.score, minlength=len(e))
        e["rating_count"][:] += np.bincount(scores.merchant, minlength=len(e))

    def observe_late(self, merchant: Integers, is_late: Flags) -> None:
        """The day's deliveries by merchant's position."""
        e = self.entities
        e["delivered"][:] += np.bincount(merchant, minlength=len(e))
        e["late"][:] += np.bincount(merchant[is_late], minlength=len(e))

    def first_seen(self, merchant: Integers, at: Integers) -> None:
        """Orders of the day by merchant's position: the first of each that had none is written down."""
        seen = self.entities["first_seen_at"]
        unseen = seen[merchant] == NEVER
        if not unseen.any():
            return
        np.minimum.at(seen, merchant[unseen], at[unseen])
        positions = np.unique(merchant[unseen])
        numbers = self.entities["number"][positions]
        self._ledger.set("first_seen_at", numbers, seen[positions])
        self._ledger.close(numbers)

    def arrays(self) -> Arrays:
        """State, for a checkpoint."""
        return {**self.entities.arrays("merchant."), **{f"leads.{name}": values for name, values in self.leads.arrays().items()}}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        self.entities.restore(arrays, "merchant.")
        self.leads.restore({name.removeprefix("leads."): values for name, values in arrays.items() if name.startswith("leads.")})

    def _settle(self, today: Today) -> None:
        p, scale = self.parameters, self._surroundings.orders_per_day
        count = min(int(p.initial_per_order * scale) + p.initial_least, FIRST_WON_MERCHANT - 1)
        numbers = np.arange(1, count + 1, dtype=np.int64)
        positions = self._add(today, numbers, self.traits.initial_standing(numbers), -1 - self.traits.initial_tenure(numbers))
        e = self.entities
        daily = scale * e["sales_rate"][positions] / np.sum(e["sales_rate"][positions])
        e["sales_28d"][positions] = 28 * daily
        e["sales_90d"][positions] = 90 * daily
        e["revenue_28d"][positions] = 28 * daily * _TYPICAL_BASKET_CENTS
        e["tier"][positions] = tiers(p.tiers, e["tier"][positions], e["sales_90d"][positions])

    def _add(self, today: Today, numbers: Integers, standing: Floats, born_day: Integers) -> Integers:
        traits = self.traits
        area = traits.area(numbers)
        state = traits.places.area_state[area]
        named: dict[str, npt.ArrayLike] = {
            "number": numbers,
            "area": area,
            "state": state,
            "category": traits.category(numbers),
            "segment": traits.kind(numbers),
            "born_day": born_day,
            "standing": standing,
            "quality": quality(standing),
            "sales_rate": traits.sales_rate(numbers),
            "growth": traits.growth(numbers),
            "death_rate": self._survival.rates(numbers),
            "resistance": self._survival.resistances(numbers),
            "handling_hours": traits.handling_hours(numbers, standing),
            "handling_sigma": traits.handling_sigma(numbers, standing),
            "cancel_probability": traits.cancel_probability(numbers, standing),
            "is_alive": True,
            "died_day": _NO_DAY,
            "first_seen_at": NEVER,
            "support_until": _NO_DAY,
            "subsidy_until": _NO_DAY,
        }
        positions = self.entities.add(**dict.fromkeys(_COLUMNS.keys() - named.keys(), 0), **named)
        self._ledger.add(number=numbers, area=area, state=state, joined_at=today.start)
        self._tell_births(positions)
        return positions

    def _age(self) -> None:
        e = self.entities
        e["sales_28d"][:] *= np.exp(-1 / 28)
        e["revenue_28d"][:] *= np.exp(-1 / 28)
        for name in ("sales_90d", "late", "delivered"):
            e[name][:] *= np.exp(-1 / 90)

    def _standing(self, today: Today, positions: Integers | slice = slice(None)) -> Standing:
        e = self.entities
        return Standing(
            rating=self.rating()[positions],
            tier=e["tier"][positions],
            late_share=self.late_share()[positions],
            sales_28d=e["sales_28d"][positions],
            age_days=today.number - e["born_day"][positions],
        )

    def _bury(self, today: Today) -> None:
        e = self.entities
        support = np.where(today.number <= e["support_until"], e["support_hazard"], 0.0)
        e["hazard"][:] = self._survival.hazards(e["death_rate"], self._standing(today), support)
        e["hazard_sum"][:] += np.where(e["is_alive"], e["hazard"], 0.0)
        dying = np.flatnonzero(e["is_alive"] & (e["hazard_sum"] >= e["resistance"]))
        if not len(dying):
            return
        e["is_alive"][dying] = False
        e["died_day"][dying] = today.number
        # Nothing more will be known of those that never sold.
        self._ledger.close(e["number"][dying][e["first_seen_at"][dying] == NEVER])
        self._surroundings.truth.append(
            "merchant_deaths",
            {
                "merchant_id": columns.ids("m", e["number"][dying]),
                "died_day": columns.integers(e["died_day"][dying]),
                "hazard": columns.floats(e["hazard"][dying]),
            },
        )

    def _retain(self, today: Today) -> None:
        e = self.entities
        at_risk = self.outreach.is_at_risk(self._standing(today), e["sales_90d"])
        rows = np.flatnonzero(e["is_alive"] & at_risk & (today.number > e["support_until"]))
        candidates = Candidates(e["number"][rows], e["category"][rows], e["standing"][rows], self._standing(today, rows), e["hazard"][rows])
        support = self.outreach.retain(today, candidates)
        # Those withheld are left alone as long as those contacted: one contact, one comparison.
        e["support_until"][rows[support.takes_part]] = today.number + self.parameters.outreach.retain_days
        e["support_hazard"][rows] = support.log_hazard
        e["support_sales"][rows] = support.log_sales

    def _subsidise(self, today: Today) -> None:
        e, p = self.entities, self.parameters
        rows = np.flatnonzero(e["is_alive"] & (today.number - e["born_day"] >= p.subsidies.least_age_days))
        grants = self.subsidies.decide(
            today,
            Applicants(
                number=e["number"][rows],
                tier=e["tier"][rows],
                quality=e["standing"][rows],
                growth=e["growth"][rows] / max(p.traits.growth_sigma, 1e-9),
                sales_28d=e["sales_28d"][rows],
                sales_90d=e["sales_90d"][rows],
                revenue_28d=e["revenue_28d"][rows],
            ),
        )
        e["subsidy_from"][rows] = today.number + 1
        e["subsidy_until"][rows] = today.number + p.subsidies.period_days - 1
        e["subsidy_share"][rows] = grants.share
        e["subsidy_response"][rows] = grants.response

    def _tell_births(self, positions: Integers) -> None:
        e = self.entities
        latent = ("quality", "sales_rate", "growth", "death_rate", "resistance", "handling_hours", "handling_sigma", "cancel_probability")
        self._surroundings.truth.append(
            "merchants",
            {
                "merchant_id": columns.ids("m", e["number"][positions]),
                "born_day": columns.integers(e["born_day"][positions]),
                **{name: columns.floats(e[name][positions]) for name in latent},
            },
        )

    def _render(self, arrays: Arrays, until: int) -> Columns:
        places = self.traits.places
        areas = arrays["area"]
        return {
            "merchant_id": columns.ids("m", arrays["number"]),
            "first_seen_at": columns.instants(arrays["first_seen_at"], until),
            "postal_area_id": columns.words(areas, places.area_ids),
            "city": columns.words(places.area_city[areas], places.city_names),
            "state": columns.words(arrays["state"], places.states),
        }
