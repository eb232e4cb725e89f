"""Leads: merchants who ask to sell on the marketplace, of which some are won and some of those begin to sell.

Channels, their shares and win rates, days to the deal and the words of the deals are those of Olist's public marketing funnel
(8,000 leads of June 2017 to May 2018; CC BY-NC-SA 4.0; aggregates only). What is planted: a latent quality that differs by channel
and landing page, so that channels select; the odds of a win grow with it, with a quick answer and, by an effect of each lead's
own, with a call (``outreach``). A lead is decided on the day on which it comes in; the deal lies ahead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit, logit, ndtr

from tradewind_simulator import columns
from tradewind_simulator.days import DAY, HOUR
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.growth.merchant_traits import FIRST_WON_MERCHANT, LEAD_TYPES, MerchantTraits
from tradewind_simulator.mechanisms.growth.outreach import Outreach
from tradewind_simulator.streams import Floats, Integers, Stream

LEADS_PER_DAY = 1000
"""Bound of a day's leads: lead number = day * 1000 + k."""

CHANNELS = (
    "organic_search", "paid_search", "social", "unknown", "direct_traffic", "email", "referral", "other", "display", "other_publicities",
)  # fmt: skip
_CHANNEL_SHARES = (0.289, 0.200, 0.170, 0.139, 0.063, 0.062, 0.036, 0.019, 0.015, 0.008)
_WIN_RATES = (0.099, 0.102, 0.047, 0.146, 0.106, 0.026, 0.067, 0.027, 0.051, 0.046)
"""Olist's funnel, by channel."""
_QUALITY_SHIFTS = (0.20, -0.10, -0.30, 0.10, 0.35, -0.35, 0.45, -0.20, -0.30, -0.30)
"""Chosen: those who come by themselves or by word of mouth are better merchants."""
_WEEKDAYS = (1.31, 1.27, 1.30, 1.18, 1.01, 0.46, 0.46)
"""Leads by weekday over their mean; Olist's funnel."""
_PROFILES = ("cat", "eagle", "wolf", "shark")
_PROFILE_SHARES = (0.489, 0.150, 0.099, 0.025, 0.237)
"""The last is those not classed."""
_PAGES = 100

(_CHANNEL, _PAGE, _PAGE_SHIFT, _QUALITY, _SPEED, _WIN, _DELAY, _LAUNCH, _BIRTH, _PROFILE, _BUSINESS, _DEVELOPER, _CLOSER, _DECLARES,
 _SIZE, _REVENUE, _ARRIVALS) = range(17)  # fmt: skip


class LeadsParameters(BaseModel):
    """The funnel of merchants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leads_per_order: float = Field(
        default=1 / 60, ge=0, le=1, description="Mean leads a day per order a day; chosen: merchants grow by a fifth a year."
    )
    win_shift: float = Field(default=-0.45, ge=-5, le=5, description="Added to the log-odds of Olist's win rate of the channel; chosen so that with "
                             "latent quality and outreach about 10 % are won (Olist: 842 of 8,000).")  # fmt: skip
    quality_effect: float = Field(
        default=0.8, ge=0, le=5, description="On the log-odds of a win, per standard deviation of quality; chosen."
    )
    slowness_effect: float = Field(default=-0.2, le=0, ge=-5, description="On the log-odds of a win, per doubling of the hours to the first answer; "
                                   "chosen (direction: Oldroyd, McElheran, Elkington, The short life of online sales leads, HBR 2011).")  # fmt: skip
    answer_hours: float = Field(default=6.0, gt=0, description="Median hours to the first answer; chosen.")
    answer_sigma: float = Field(default=1.0, ge=0, le=5, description="Log standard deviation of those hours; chosen.")
    page_sigma: float = Field(default=0.4, ge=0, le=5, description="Standard deviation of landing pages' shift of quality; chosen.")
    days_to_win: float = Field(default=11.6, gt=0, description="Median days from contact to deal; Olist's funnel: 11.6.")
    days_to_win_sigma: float = Field(
        default=1.23, ge=0, le=5, description="Log standard deviation; Olist's funnel (quartiles 5.5 and 28.8)."
    )
    launch_share: float = Field(
        default=0.53, ge=0, le=1, description="Share of the won that begin to sell, at median quality; Olist: 380 of 722."
    )
    launch_days_least: int = Field(default=14, ge=1, description="Days from deal to the first day of selling, at least; chosen.")
    launch_days_greatest: int = Field(default=42, ge=1, description="And at most; chosen.")
    declared_share: float = Field(default=0.08, ge=0, le=1, description="Deals with declared catalogue size and revenue; Olist: 69 of 842.")

    @model_validator(mode="after")
    def _in_order(self) -> "LeadsParameters":
        if self.launch_days_least > self.launch_days_greatest:
            found = f"{self.launch_days_least} and {self.launch_days_greatest}"
            raise ValueError(f"launch_days_least: expected at most launch_days_greatest (found: {found})")
        return self


@dataclass(frozen=True)
class Traits:
    """What is so of leads from the start. ``standing`` is latent quality as a normal score."""

    channel: Integers
    page: Integers
    standing: Floats
    answer_hours: Floats


class Leads:
    """The leads of each day; ``pending`` are won ones that will begin to sell."""

    def __init__(self, parameters: LeadsParameters, surroundings: Surroundings, outreach: Outreach, merchants: MerchantTraits) -> None:
        self._parameters = parameters
        self._surroundings = surroundings
        self._outreach = outreach
        self._merchants = merchants
        self._stream: Stream = surroundings.streams.stream("leads")
        self._channels = np.cumsum(_CHANNEL_SHARES)
        self._pages = np.cumsum(1.0 / (np.arange(_PAGES) + 2.0))
        self._born_leads: Integers = np.zeros(0, dtype=np.int64)
        self._born_days: Integers = np.zeros(0, dtype=np.int64)

    def traits(self, leads: Integers) -> Traits:
        """The traits of ``leads``: a function of their numbers."""
        p, stream = self._parameters, self._stream
        channel = stream.choice(self._channels, leads, slot=_CHANNEL)
        page = stream.choice(self._pages, leads, slot=_PAGE)
        shift = np.asarray(_QUALITY_SHIFTS)[channel] + p.page_sigma * stream.normal(page, slot=_PAGE_SHIFT)
        hours = p.answer_hours * np.exp(p.answer_sigma * stream.normal(leads, slot=_SPEED))
        return Traits(channel, page, shift + stream.normal(leads, slot=_QUALITY), hours)

    def step(self, today: Today) -> Integers:
        """The day's leads, decided; returns the leads that begin to sell today, in order of number."""
        leads = self._arrivals(today)
        if len(leads):
            self._decide(today, leads)
        due = self._born_days <= today.number
        born = np.sort(self._born_leads[due])
        self._born_leads, self._born_days = self._born_leads[~due], self._born_days[~due]
        return born

    def arrays(self) -> Arrays:
        """The won leads that will begin to sell."""
        return {"lead": self._born_leads.copy(), "day": self._born_days.copy()}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        self._born_leads, self._born_days = np.array(arrays["lead"], np.int64), np.array(arrays["day"], np.int64)

    def _arrivals(self, today: Today) -> Integers:
        mean = self._parameters.leads_per_order * self._surroundings.orders_per_day * _WEEKDAYS[today.weekday]
        count = min(int(self._stream.poisson(mean, today.number, slot=_ARRIVALS)), LEADS_PER_DAY - 1)
        return today.number * LEADS_PER_DAY + np.arange(count, dtype=np.int64)

    def _decide(self, today: Today, leads: Integers) -> None:
        p, stream = self._parameters, self._stream
        traits = self.traits(leads)
        log_odds = (
            logit(np.asarray(_WIN_RATES))[traits.channel]
            + p.win_shift
            + p.quality_effect * traits.standing
            + p.slowness_effect * np.log2(traits.answer_hours / p.answer_hours)
        )
        effect, called_at = self._outreach.win(today, leads, traits.channel, traits.standing, log_odds)
        probability = np.asarray(expit(log_odds + effect))
        is_won = stream.bernoulli(probability, leads, slot=_WIN)
        delay = p.days_to_win * np.exp(p.days_to_win_sigma * stream.normal(leads, slot=_DELAY))
        started_at = np.maximum(today.start + (traits.answer_hours * HOUR).astype(np.int64), called_at)
        won_at = started_at + (np.minimum(delay, 365.0) * DAY).astype(np.int64)
        launches = is_won & stream.bernoulli(self._launch_probability(traits.standing), leads, slot=_LAUNCH)
        self._schedule(leads[launches], won_at[launches])
        self._export(today, leads, traits)
        won = np.flatnonzero(is_won)
        self._export_deals(leads[won], won_at[won], traits.standing[won])
        self._surroundings.truth.append(
            "leads",
            {
                "lead_id": columns.ids("l", leads),
                "quality": columns.floats(np.asarray(ndtr(traits.standing))),
                "answer_hours": columns.floats(traits.answer_hours),
                "win_probability": columns.floats(probability),
                "is_won": columns.booleans(is_won),
                "is_launched": columns.booleans(launches),
            },
        )

    def _launch_probability(self, standing: Floats) -> Floats:
        """Better ones begin to sell more often: 15 points above the mean at the top, below at the bottom."""
        return np.clip(self._parameters.launch_share + 0.3 * (np.asarray(ndtr(standing)) - 0.5), 0.0, 1.0)

    def _schedule(self, leads: Integers, won_at: Integers) -> None:
        p = self._parameters
        wait = p.launch_days_least + self._stream.integers(p.launch_days_greatest - p.launch_days_least + 1, leads, slot=_BIRTH)
        self._born_leads = np.concatenate([self._born_leads, leads])
        self._born_days = np.concatenate([self._born_days, self._surroundings.days.of(won_at) + wait])

    def _export(self, today: Today, leads: Integers, traits: Traits) -> None:
        contacted_at = np.full(len(leads), today.start, dtype=np.int64)
        self._surroundings.exports.append(
            "leads",
            contacted_at,
            {
                "lead_id": columns.ids("l", leads),
                "contacted_at": columns.instants(contacted_at),
                "landing_page_id": columns.ids("g", traits.page, 3),
                "channel": columns.words(traits.channel, CHANNELS),
            },
        )

    def _export_deals(self, leads: Integers, won_at: Integers, standing: Floats) -> None:
        stream = self._stream
        merchants = merchant_numbers(leads)
        profile = stream.choice(np.cumsum(_PROFILE_SHARES), leads, slot=_PROFILE)
        declares = stream.bernoulli(self._parameters.declared_share, leads, slot=_DECLARES)
        size = np.ceil(np.exp(4.0 + stream.normal(leads, slot=_SIZE)))
        revenue = np.round(np.exp(9.5 + 0.4 * standing + stream.normal(leads, slot=_REVENUE)), -2)
        self._surroundings.exports.append(
            "deals",
            won_at,
            {
                "lead_id": columns.ids("l", leads),
                "merchant_id": columns.ids("m", merchants),
                "won_at": columns.instants(won_at),
                "sales_development_representative_id": columns.ids("d", 1 + stream.integers(18, leads, slot=_DEVELOPER), 2),
                "sales_representative_id": columns.ids("r", 1 + stream.integers(15, leads, slot=_CLOSER), 2),
                "segment": columns.words(self._merchants.category(merchants), self._merchants.categories),
                "lead_type": columns.words(self._merchants.kind(merchants), LEAD_TYPES),
                "behaviour_profile": columns.words(np.where(profile < len(_PROFILES), profile, -1), _PROFILES),
                "business_type": columns.words(
                    stream.bernoulli(0.294, leads, slot=_BUSINESS).astype(np.int64), ("reseller", "manufacturer")
                ),
                "declared_catalog_size": columns.floats(np.where(declares, size, np.nan)),
                "declared_monthly_revenue": columns.floats(np.where(declares, revenue, np.nan)),
            },
        )


def merchant_numbers(leads: Integers) -> Integers:
    """The merchants that leads become."""
    return FIRST_WON_MERCHANT + leads
