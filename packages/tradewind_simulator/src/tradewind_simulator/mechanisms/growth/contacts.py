"""Contacts with leads and merchants: who is in which arm, and the landing table ``outreach``, which only this module writes."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tradewind_simulator import columns
from tradewind_simulator.days import HOUR, NEVER
from tradewind_simulator.entities import Arrays
from tradewind_simulator.exports import Columns, Ledger
from tradewind_simulator.flows import Flags
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.streams import Floats, Integers, Stream

PURPOSES = ("win", "retain", "subsidy")
WIN, RETAIN, SUBSIDY = range(3)
CHANNELS = ("email", "phone", "chat", "visit", "none")
WITHHELD = 4
"""Position of the channel "none"."""
_STUDY, _ARM, _CHANNEL, _SENT, _ANSWERS, _ANSWER_HOURS = range(100, 106)
"""Slots above those of the mechanisms whose streams are used."""
_ANSWER_SHARES = np.array([0.25, 0.60, 0.45, 0.80, 0.0])
"""Chosen: share of contacts that are answered, by channel."""
_ANSWER_MEDIAN_HOURS, _ANSWER_SIGMA = 18.0, 1.2
"""Chosen."""
_DAYS_PER_MERCHANT = 10_000


class Design(BaseModel):
    """Who takes part in an experiment, and how arms are chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    randomised_share: float = Field(ge=0, le=1, description="Share of the eligible whose arm is drawn by lot; chosen.")
    targeted_share: float = Field(
        ge=0, le=1, description="Share of the eligible whose arm is chosen by those who make the contacts; chosen."
    )
    treated_share: float = Field(default=0.5, gt=0, lt=1, description="Share of the randomised that is treated; chosen.")

    @model_validator(mode="after")
    def _at_most_all(self) -> "Design":
        if self.randomised_share + self.targeted_share > 1:
            total = self.randomised_share + self.targeted_share
            raise ValueError(f"randomised_share + targeted_share: expected at most 1 (found: {total:g})")
        return self


@dataclass(frozen=True)
class Arms:
    """The arm of each eligible one, aligned with them. ``takes_part`` is False where there is no row of it."""

    takes_part: Flags
    is_randomised: Flags
    is_treated: Flags
    propensity: Floats
    channel: Integers


def assign(stream: Stream, design: Design, score: Floats, channel_shares: tuple[float, ...], *keys: Integers | int) -> Arms:
    """Arms of the eligible ones named by ``keys``; ``score`` is the log-odds by which the targeted are chosen."""
    u = stream.uniform(*keys, slot=_STUDY)
    is_randomised = u < design.randomised_share
    takes_part = u < design.randomised_share + design.targeted_share
    propensity = np.where(is_randomised, design.treated_share, 1.0 / (1.0 + np.exp(-score)))
    is_treated = takes_part & stream.bernoulli(propensity, *keys, slot=_ARM)
    channel = stream.choice(np.cumsum(channel_shares), *keys, slot=_CHANNEL)
    return Arms(takes_part, is_randomised, is_treated, propensity, np.where(is_treated, channel, WITHHELD))


def office_hours(stream: Stream, start: int, *keys: Integers | int) -> Integers:
    """Instants between 9 and 17 o'clock of the local day that begins at ``start``."""
    return start + 9 * HOUR + stream.integers(8 * HOUR, *keys, slot=_SENT)


def merchant_contacts(merchants: Integers, day: int, purpose: int) -> Integers:
    """Numbers of the contacts of ``purpose`` with merchants (by number) decided on ``day``."""
    return (merchants * _DAYS_PER_MERCHANT + day) * 8 + purpose


def lead_contacts(leads: Integers) -> Integers:
    """Numbers of the contacts with leads (by number): one each."""
    return leads * 8 + WIN


class Contacts:
    """The writer of ``outreach``."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._stream = surroundings.streams.stream("contacts")
        self._days = surroundings.days
        self._ledger = surroundings.exports.ledger(
            "outreach",
            Ledger(
                ("sent_at", "responded_at"),
                self._render,
                lead=np.int64,
                merchant=np.int64,
                campaign=np.int64,
                purpose=np.int64,
                channel=np.int64,
                is_treated=np.bool_,
                is_randomised=np.bool_,
                offer=np.int64,
            ),
        )

    def record(
        self,
        numbers: Integers,
        arms: Arms,
        sent_at: Integers,
        purpose: int,
        campaign_day: int,
        *,
        lead: Integers | int = -1,
        merchant: Integers | int = -1,
        offer: Integers | np.int64 = columns.NO_MONEY,
    ) -> None:
        """Rows of those that take part (all arrays are aligned with ``arms``); ``campaign_day`` names the campaign."""
        answers = self._stream.bernoulli(_ANSWER_SHARES[arms.channel], numbers, slot=_ANSWERS)
        hours = _ANSWER_MEDIAN_HOURS * np.exp(_ANSWER_SIGMA * self._stream.normal(numbers, slot=_ANSWER_HOURS))
        part = arms.takes_part
        shape = numbers.shape
        self._ledger.add(
            number=numbers[part],
            sent_at=sent_at[part],
            responded_at=np.where(answers, sent_at + (np.minimum(hours, 720.0) * HOUR).astype(np.int64), NEVER)[part],
            lead=np.broadcast_to(lead, shape)[part],
            merchant=np.broadcast_to(merchant, shape)[part],
            campaign=campaign_day,
            purpose=purpose,
            channel=arms.channel[part],
            is_treated=arms.is_treated[part],
            is_randomised=arms.is_randomised[part],
            offer=np.broadcast_to(offer, shape)[part],
            closed=True,
        )

    def _render(self, arrays: Arrays, until: int) -> Columns:
        return {
            "outreach_id": columns.ids("u", arrays["number"]),
            "lead_id": columns.ids("l", arrays["lead"]),
            "merchant_id": columns.ids("m", arrays["merchant"]),
            "campaign_id": self._campaigns(arrays["purpose"], arrays["campaign"]),
            "purpose": columns.words(arrays["purpose"], PURPOSES),
            "channel": columns.words(arrays["channel"], CHANNELS),
            "arm": columns.words(arrays["is_treated"].astype(np.int64), ("control", "treatment")),
            "assignment": columns.words(arrays["is_randomised"].astype(np.int64), ("targeted", "randomised")),
            "offer": columns.money(arrays["offer"]),
            "sent_at": columns.instants(arrays["sent_at"], until),
            "responded_at": columns.instants(arrays["responded_at"], until),
        }

    def _campaigns(self, purposes: Integers, campaign_days: Integers) -> columns.Column:
        codes, places = np.unique(campaign_days * len(PURPOSES) + purposes, return_inverse=True)
        names = [f"{PURPOSES[code % len(PURPOSES)]}-{self._date(int(code) // len(PURPOSES))}" for code in codes]
        return columns.words(places, names)

    def _date(self, day: int) -> dt.date:
        return self._days.date(day)
