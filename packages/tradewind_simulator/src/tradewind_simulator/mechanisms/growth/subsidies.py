"""Subsidies: for some weeks the platform pays a share of the list price of all that a merchant sells.

A subsidy works in two ways: through the price, by the elasticity of what is sold (``pricing``, ``demand``), and by a response of the
merchant's own, concave in the share: some invest and list more, for some it eats the margin and they sell less. A part of the
merchants is in a randomised experiment, another gets subsidies from account managers, who give them to those that grow anyway.
All magnitudes are chosen; shares of 5 to 20 % are what marketplaces publish as seller campaigns.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.flows import Flags, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.growth.contacts import SUBSIDY, Contacts, Design, assign, merchant_contacts, office_hours
from tradewind_simulator.streams import Floats, Integers

_RESPONSE, _LEVEL = range(2)
_BY_TIER = np.array([0.05, 0.05, -0.10])
_CHANNELS = (0.7, 0.1, 0.2, 0.0)
"""How offers are made (e-mail, phone, chat, visit); chosen."""
_REFERENCE_SHARE = 0.10


class SubsidiesParameters(BaseModel):
    """Experiments with subsidies and the law of merchants' responses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    design: Design = Field(
        default=Design(randomised_share=0.2, targeted_share=0.25), description="Who of the merchants takes part in a period."
    )
    period_days: int = Field(
        default=28, ge=2, le=365, description="Days from one decision to the next; a subsidy runs on all between; chosen."
    )
    levels: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.05, 0.10, 0.15, 0.20), min_length=1, description="Shares of the list price, drawn by lot; chosen."
    )
    targeted_shift: float = Field(
        default=-0.8, ge=-5, le=5, description="Log-odds that an account manager gives it to a merchant of mean growth; chosen."
    )
    observed_growth: float = Field(
        default=1.0, ge=0, le=10, description="On those log-odds, per log ratio of sales of 28 days to those of 90; chosen."
    )
    latent_growth: float = Field(
        default=0.9, ge=0, le=10, description="On those log-odds, per standard deviation of latent growth; chosen."
    )
    response: float = Field(
        default=0.08, ge=-3, le=3, description="Mean response of log sales at a share of 10 %, beside the price; chosen."
    )
    response_quality: float = Field(default=0.08, ge=-3, le=3, description="On the response, per standard deviation of quality; chosen.")
    response_sigma: float = Field(
        default=0.12, ge=0, le=3, description="Standard deviation of the merchant's own part of the response; chosen."
    )
    saturation: float = Field(default=0.08, gt=0, le=1, description="Share at which the response has reached 63 % of its greatest; chosen.")
    least_age_days: int = Field(default=30, ge=0, description="Days since joining before a merchant can take part; chosen.")


@dataclass(frozen=True)
class Applicants:
    """Merchants that may take part in a period, aligned arrays: sales are orders as of last night, money is in cents."""

    number: Integers
    tier: Integers
    quality: Floats
    growth: Floats
    """Latent, as a normal score."""
    sales_28d: Floats
    sales_90d: Floats
    revenue_28d: Floats


@dataclass(frozen=True)
class Grants:
    """Subsidies from tomorrow on, aligned with the applicants; share and response are 0 where none is given."""

    is_given: Flags
    share: Floats
    response: Floats


class Subsidies:
    """Decides at the start of each period."""

    def __init__(self, parameters: SubsidiesParameters, surroundings: Surroundings, contacts: Contacts) -> None:
        self.parameters = parameters
        self._surroundings = surroundings
        self._contacts = contacts
        self._stream = surroundings.streams.stream("subsidies")

    def is_decided_on(self, day: int) -> bool:
        """Whether a period begins: never on the first day, when nothing is known of anyone."""
        return day > 0 and day % self.parameters.period_days == 0

    def factor(self, today: Today) -> float:
        """What the lever makes of today's subsidies."""
        return self._surroundings.interventions.factor("subsidy", today.date)

    def decide(self, today: Today, applicants: Applicants) -> Grants:
        """Who is subsidised from tomorrow until the day before the next decision."""
        p, a = self.parameters, applicants
        observed = np.log((a.sales_28d * 90 / 28 + 5.0) / (a.sales_90d + 5.0))
        score = p.targeted_shift + p.observed_growth * observed + p.latent_growth * a.growth
        arms = assign(self._stream, p.design, score, _CHANNELS, a.number, today.number)
        share = np.asarray(p.levels)[self._stream.integers(len(p.levels), a.number, today.number, slot=_LEVEL)]
        response = (
            p.response
            + _BY_TIER[a.tier]
            + p.response_quality * a.quality
            + p.response_sigma * self._stream.normal(a.number, slot=_RESPONSE)
        )
        numbers = merchant_contacts(a.number, today.number, SUBSIDY)
        # Offers are made before the lever of tomorrow is known.
        lever = self.factor(today)
        if lever > 0 and len(a.number):
            worth = np.where(arms.is_treated, np.rint(lever * share * a.revenue_28d).astype(np.int64), columns.NO_MONEY)
            sent_at = office_hours(self._stream, today.start, a.number, today.number)
            self._contacts.record(numbers, arms, sent_at, SUBSIDY, today.number, merchant=a.number, offer=worth)
            part = arms.takes_part
            self._surroundings.truth.append(
                "subsidies",
                {
                    "outreach_id": columns.ids("u", numbers[part]),
                    "merchant_id": columns.ids("m", a.number[part]),
                    "share": columns.floats((lever * share)[part]),
                    "is_given": columns.booleans(arms.is_treated[part]),
                    "propensity": columns.floats(arms.propensity[part]),
                    "response": columns.floats(response[part]),
                    "sales_log_effect": columns.floats((response * self.concave(lever * share))[part]),
                    "latent_growth": columns.floats(a.growth[part]),
                },
            )
        given = arms.is_treated
        return Grants(given, np.where(given, share, 0.0), np.where(given, response, 0.0))

    def concave(self, share: Floats) -> Floats:
        """How much of the response at 10 % a share brings: 0 at 0, 1 at 10 %."""
        saturation = self.parameters.saturation
        reached: Floats = -np.expm1(-share / saturation) / -np.expm1(-_REFERENCE_SHARE / saturation)
        return reached
