"""Calls to leads and contacts with merchants at risk, in a randomised and in a targeted assignment, with planted effects.

* *Win*: a call moves the log-odds that a lead is won by an effect of the lead's own.
* *Retain*: a contact lowers a merchant's log hazard of giving up, and moves its sales, for some weeks, by effects of its own.
* *Randomised*: arms by lot, with a known propensity. *Targeted*: those who make the contacts choose, by a score that knows of what
  moves the outcome without the contact: a plain comparison of those arms is biased.

Effects differ by what is seen (channel, tier, category, sales) and by what is not (quality, an own draw); some are negative:
those that would have stayed had nobody woken them (sleeping dogs: Radcliffe, Surry 1999; Ascarza 2018, "Retention futility",
Journal of Marketing Research 55, finds the same among customers). All magnitudes are chosen.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit

from tradewind_simulator import columns
from tradewind_simulator.flows import Flags, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.growth.contacts import (
    PURPOSES,
    RETAIN,
    WIN,
    Arms,
    Contacts,
    Design,
    assign,
    lead_contacts,
    merchant_contacts,
    office_hours,
)
from tradewind_simulator.mechanisms.growth.survival import Standing
from tradewind_simulator.streams import Floats, Integers

_STRENGTH = np.array([0.5, 1.0, 0.8, 1.4, 0.0])
"""Factor on the effect of a contact by channel (e-mail, phone, chat, visit, none); chosen."""
_WIN_CHANNELS = (0.30, 0.45, 0.25, 0.0)
_RETAIN_CHANNELS = (0.30, 0.40, 0.15, 0.15)
_BY_LEAD_CHANNEL = np.array([0.05, 0.30, 0.45, 0.10, -0.55, 0.20, -0.40, 0.0, 0.35, 0.20])
"""On a call's effect, by the lead's channel (order of ``leads.CHANNELS``): who came by himself is put off; chosen."""
_BY_TIER = np.array([0.0, 0.25, -0.20])
_EFFECT, _PROXY, _CATEGORY = range(3)


class OutreachParameters(BaseModel):
    """Experiments with contacts and the laws of their effects."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    win: Design = Field(default=Design(randomised_share=0.3, targeted_share=0.35), description="Who of the leads takes part.")
    win_effect: float = Field(default=0.45, ge=-3, le=3, description="Mean effect of a phone call on the log-odds of a win; chosen.")
    win_quality: float = Field(default=0.25, ge=-3, le=3, description="On that effect, per standard deviation of quality; chosen.")
    win_sigma: float = Field(default=0.35, ge=0, le=3, description="Standard deviation of the lead's own part of that effect; chosen.")
    win_targeting: float = Field(
        default=1.2, ge=0, le=5, description="How strongly the targeted are chosen by what the caller feels of quality; chosen."
    )
    retain: Design = Field(
        default=Design(randomised_share=0.45, targeted_share=0.45), description="Who of the merchants at risk takes part."
    )
    retain_effect: float = Field(default=0.9, ge=-3, le=3, description="Mean effect of a phone call on the log hazard (lowers it); chosen.")
    retain_quality: float = Field(default=0.20, ge=-3, le=3, description="On that effect, per standard deviation of quality; chosen.")
    retain_sigma: float = Field(
        default=0.4, ge=0, le=3, description="Standard deviation of the merchant's own part of that effect; chosen."
    )
    category_sigma: float = Field(default=0.25, ge=0, le=3, description="Standard deviation over categories of that effect; chosen.")
    sleeping: float = Field(
        default=-1.2, le=0, ge=-5, description="On that effect for a merchant that sells next to nothing: it is woken; chosen."
    )
    sleeping_orders: float = Field(default=0.7, gt=0, description="Orders in 28 days at which that is down to 37 %; chosen.")
    sales_per_effect: float = Field(default=0.25, ge=-3, le=3, description="Effect on log sales per effect on the log hazard; chosen.")
    retain_targeting: float = Field(
        default=0.8, ge=0, le=5, description="How strongly the targeted are chosen by their true hazard; chosen."
    )
    retain_days: int = Field(default=60, ge=1, le=365, description="Days that a contact works, and in which none follows; chosen.")
    least_age_days: int = Field(default=45, ge=0, description="Days since joining before a merchant can be at risk; chosen.")
    risky_trend: float = Field(
        default=0.95, ge=0, description="At risk below this ratio of sales of 28 days to those of 90, per day; chosen."
    )
    risky_rating: float = Field(default=3.85, ge=1, le=5, description="At risk below this rating, in stars; chosen.")
    risky_late_share: float = Field(default=0.14, ge=0, le=1, description="At risk above this share of late parcels; chosen.")


@dataclass(frozen=True)
class Candidates:
    """Merchants at risk, aligned arrays; ``hazard`` is today's true one, ``quality`` a normal score."""

    number: Integers
    category: Integers
    quality: Floats
    standing: Standing
    hazard: Floats


@dataclass(frozen=True)
class Support:
    """What contacts of a day do, aligned with the candidates: 0 where nobody was contacted."""

    takes_part: Flags
    """Contacted, or withheld for comparison."""
    log_hazard: Floats
    """What it lowers the log hazard by."""
    log_sales: Floats


class Outreach:
    """Decides contacts, writes them, and tells what they do."""

    def __init__(self, parameters: OutreachParameters, surroundings: Surroundings, contacts: Contacts) -> None:
        self.parameters = parameters
        self._surroundings = surroundings
        self._contacts = contacts
        self._win = surroundings.streams.stream("outreach to leads")
        self._retain = surroundings.streams.stream("outreach to merchants")

    def win(self, today: Today, leads: Integers, channel: Integers, quality: Floats, log_odds: Floats) -> tuple[Floats, Integers]:
        """Effects on the log-odds of today's leads (0 where none was called), and when each is called tomorrow, or would be."""
        p, days = self.parameters, self._surroundings.days
        tomorrow = today.number + 1
        sent_at = office_hours(self._win, days.start(tomorrow), leads)
        factor = self._surroundings.interventions.factor("outreach", days.date(tomorrow))
        if factor == 0:
            return np.zeros(len(leads)), sent_at
        felt = 0.8 * quality + 0.6 * self._win.normal(leads, slot=_PROXY)
        arms = assign(self._win, p.win, p.win_targeting * felt, _WIN_CHANNELS, leads)
        own = p.win_effect + _BY_LEAD_CHANNEL[channel] + p.win_quality * quality + p.win_sigma * self._win.normal(leads, slot=_EFFECT)
        effect = factor * _STRENGTH[arms.channel] * own
        numbers = lead_contacts(leads)
        self._contacts.record(numbers, arms, sent_at, WIN, today.number - today.date.day + 1, lead=leads)
        offered = factor * _offered_strength(arms, _WIN_CHANNELS) * own
        self._tell(numbers, WIN, arms, np.asarray(expit(log_odds)), np.asarray(expit(log_odds + offered)), offered, 0.0 * offered)
        return effect, sent_at

    def is_at_risk(self, standing: Standing, sales_90d: Floats) -> Flags:
        """Merchants that those who make the contacts look at: by what they can see."""
        p = self.parameters
        falls = standing.sales_28d * 90 < p.risky_trend * sales_90d * 28
        risky = falls | (standing.rating < p.risky_rating) | (standing.late_share > p.risky_late_share)
        return risky & (standing.age_days >= p.least_age_days)

    def retain(self, today: Today, candidates: Candidates) -> Support:
        """Contacts of today with merchants at risk, and what they do from tomorrow on."""
        p, c = self.parameters, candidates
        none = np.zeros(len(c.number))
        factor = self._surroundings.interventions.factor("outreach", today.date)
        if factor == 0 or not len(c.number):
            return Support(none.astype(bool), none, none)
        score = p.retain_targeting * (np.log(np.maximum(c.hazard, 1e-9)) + 6.5)
        arms = assign(self._retain, p.retain, score, _RETAIN_CHANNELS, c.number, today.number)
        own = self._retain_effects(c)
        numbers = merchant_contacts(c.number, today.number, RETAIN)
        sent_at = office_hours(self._retain, today.start, c.number, today.number)
        self._contacts.record(numbers, arms, sent_at, RETAIN, today.number, merchant=c.number)
        offered = factor * _offered_strength(arms, _RETAIN_CHANNELS) * own
        self._tell(
            numbers,
            RETAIN,
            arms,
            np.exp(-p.retain_days * c.hazard),
            np.exp(-p.retain_days * c.hazard * np.exp(-offered)),
            offered,
            p.sales_per_effect * offered,
        )
        effect = factor * _STRENGTH[arms.channel] * own
        return Support(arms.takes_part, effect, p.sales_per_effect * effect)

    def _retain_effects(self, c: Candidates) -> Floats:
        p = self.parameters
        return (
            p.retain_effect
            + _BY_TIER[c.standing.tier]
            + p.retain_quality * c.quality
            + p.category_sigma * self._retain.normal(c.category, slot=_CATEGORY)
            + p.retain_sigma * self._retain.normal(c.number, slot=_EFFECT)
            + p.sleeping * np.exp(-c.standing.sales_28d / p.sleeping_orders)
        )

    def _tell(
        self, numbers: Integers, purpose: int, arms: Arms, baseline: Floats, treated: Floats, log_effect: Floats, log_sales: Floats
    ) -> None:
        part = arms.takes_part
        self._surroundings.truth.append(
            "outreach",
            {
                "outreach_id": columns.ids("u", numbers[part]),
                "purpose": columns.words(np.full(int(part.sum()), purpose), PURPOSES),
                "propensity": columns.floats(arms.propensity[part]),
                "baseline_probability": columns.floats(baseline[part]),
                "treated_probability": columns.floats(treated[part]),
                "log_effect": columns.floats(log_effect[part]),
                "sales_log_effect": columns.floats(log_sales[part]),
            },
        )


def _offered_strength(arms: Arms, shares: tuple[float, ...]) -> Floats:
    """Strength of the channel that was used; of those withheld, the mean strength of those that would have been."""
    mean = float(sum(strength * share for strength, share in zip(_STRENGTH, shares, strict=False)))
    return np.where(arms.is_treated, _STRENGTH[arms.channel], mean)
