"""Reviews: a survey after the delivery, or after the promised day when nothing came by then, answered days later."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit, logit

from tradewind_simulator import columns
from tradewind_simulator.days import DAY, MINUTE, NEVER
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.flows import Flags, Scores, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.delivery.endings import Ended
from tradewind_simulator.mechanisms.delivery.handling import Handling
from tradewind_simulator.mechanisms.delivery.shipments import present
from tradewind_simulator.streams import Floats, Integers

_ANSWERS, _WAITS, _SCORE, _TITLE, _MESSAGE, _CUSTOMER = range(6)


class ReviewsParameters(BaseModel):
    """Scores given what happened. Olist (public 2016–2018 data): on time the mean is 4.3 (62 % give 5), late 2.2 (55 % give 1):
    3.7 with one day late, 2.6 with three, 1.7 with more than a week.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    answered_share: float = Field(
        default=0.95, ge=0, le=1, description="Share of surveys that are answered. Chosen: Olist shows nearly only those."
    )
    grace_days: int = Field(
        default=2, ge=1, le=30, description="Days after the promised one on which those are asked who wait. Olist: two."
    )
    waits_days: float = Field(default=1.5, gt=0, description="Median days until the answer. Olist: mean 3.")
    waits_spread: float = Field(default=1.0, ge=0, le=3, description="Standard deviation of its logarithm. Olist.")
    up_to_1: float = Field(
        default=0.068, gt=0, lt=1, description="Share of scores up to 1, all well, merchant of quality 0.5. Fitted to Olist's on time."
    )
    up_to_2: float = Field(default=0.098, gt=0, lt=1, description="Share of scores up to 2. Fitted to Olist.")
    up_to_3: float = Field(default=0.190, gt=0, lt=1, description="Share of scores up to 3. Fitted to Olist.")
    up_to_4: float = Field(default=0.425, gt=0, lt=1, description="Share of scores up to 4. Fitted to Olist.")
    late: float = Field(default=3.4, ge=0, description="Log-odds by which a very late parcel lowers the score. Fitted to Olist.")
    late_days: float = Field(default=3.0, gt=0, description="Days late after which two thirds of that are reached. Fitted to Olist.")
    pending: float = Field(default=1.6, ge=0, description="Added while nothing has come when the survey is answered. Chosen.")
    missing: float = Field(default=4.0, ge=0, description="Added when it was not received, or sent back. Chosen.")
    damaged: float = Field(default=2.5, ge=0, description="Added when it is damaged. Chosen.")
    quality: float = Field(
        default=2.0, ge=0, description="Times one half less the merchant's quality (0 to 1). Chosen: merchants differ by a point."
    )
    customer: float = Field(default=0.5, ge=0, le=5, description="Times the customer's severity (standard normal). Chosen.")
    title: float = Field(default=0.07, ge=0, le=1, description="Share of answers with a title. Olist.")
    message: float = Field(default=0.33, ge=0, le=1, description="Share of answers of score 5 with a message. Olist: 0.42 of all.")
    message_bad: float = Field(default=0.11, ge=0, le=0.2, description="Added for each point less than 5. Olist: 0.75 of score 1.")

    @model_validator(mode="after")
    def _check_shares(self) -> "ReviewsParameters":
        if not self.up_to_1 < self.up_to_2 < self.up_to_3 < self.up_to_4:
            raise ValueError("expected up_to_1 < up_to_2 < up_to_3 < up_to_4")
        if self.message + 4 * self.message_bad > 1:
            raise ValueError(f"message: expected at most {1 - 4 * self.message_bad:g}, or score 1 has more than all")
        return self


class Reviews:
    """One review for each order that is not called off. Draws are functions of the order's number.

    Kept from day to day: orders of which a part has come, and surveys that will be answered. Each has ``left`` (parcels under way),
    ``days_late`` (of the latest that came), what went wrong, and its instants.
    """

    def __init__(self, parameters: ReviewsParameters, surroundings: Surroundings, handling: Handling) -> None:
        self._parameters = parameters
        self._exports, self._days = surroundings.exports, surroundings.days
        self._stream = surroundings.streams.stream("reviews")
        self._parcels = handling.shipments.parcels
        whole = np.int64
        self.open = Entities(**dict.fromkeys(_WHOLE, whole), quality=np.float64, is_damaged=np.bool_, is_missing=np.bool_)

    def step(self, today: Today, ended: Ended) -> Scores:
        """Ask those whose parcels came today or whose promised day is over, and take today's answers."""
        self._ask_after_promise(today)
        self._note(today, ended)
        self._ask_after_delivery(today)
        return self._answer(today)

    def arrays(self) -> Arrays:
        """What is carried from day to day."""
        return self.open.arrays()

    def restore(self, arrays: Arrays) -> None:
        """Go on from a checkpoint."""
        self.open.restore(arrays)

    def chances(self, shift: Floats) -> Floats:
        """Probability of a score of at most 1, 2, 3, 4 (rows), given the sum of all effects (log-odds)."""
        p = self._parameters
        bounds = logit(np.array([p.up_to_1, p.up_to_2, p.up_to_3, p.up_to_4]))
        return np.asarray(expit(bounds[:, None] + shift))

    def _ask_after_promise(self, today: Today) -> None:
        """Orders whose promised day is over, and their days of grace, and that have not all come."""
        parcels, day = self._parcels.entities, today.number - self._parameters.grace_days
        is_due = (parcels["promised_at"] >= self._days.start(day)) & (parcels["promised_at"] < self._days.start(day + 1))
        for milestone in ("delivered_at", "returned_at", "cancelled_at"):
            is_due &= parcels[milestone] >= today.start
        rows = np.flatnonzero(is_due)
        orders, first = np.unique(parcels["order"][rows], return_index=True)
        if len(orders) == 0:
            return
        rows = rows[first]
        is_known, _ = present(self.open, orders)
        fresh = rows[~is_known]
        self._add(
            orders[~is_known], {name: parcels[name][fresh] for name in ("merchant", "customer", "promised_at", "quality", "siblings")}
        )
        self._ask(self.open.positions(orders), today.start)

    def _note(self, today: Today, ended: Ended) -> None:
        """Write down what became of the parcels whose way ended today."""
        is_known, _ = present(self.open, ended.order)
        not_asked = ended.promised_at >= self._days.start(today.number - self._parameters.grace_days + 1)
        fresh = np.flatnonzero(~is_known & not_asked)
        orders, first = np.unique(ended.order[fresh], return_index=True)
        names = ("merchant", "customer", "promised_at", "quality", "siblings")
        self._add(orders, {name: getattr(ended, name)[fresh[first]] for name in names})
        is_known, place = present(self.open, ended.order)
        rows, place = np.flatnonzero(is_known), place[is_known]
        late = np.maximum(today.number - self._days.of(ended.promised_at[rows]), 0)
        np.subtract.at(self.open["left"], place, 1)
        np.maximum.at(self.open["days_late"], place, late)
        np.logical_or.at(self.open["is_damaged"], place, ended.is_damaged[rows])
        np.logical_or.at(self.open["is_missing"], place, ~ended.is_received[rows])

    def _ask_after_delivery(self, today: Today) -> None:
        """All has come, before anybody asked: the survey goes out on the next day."""
        self._ask(np.flatnonzero((self.open["left"] == 0) & (self.open["asked_at"] == NEVER)), today.end)

    def _add(self, orders: Integers, traits: Arrays) -> None:
        if len(orders) == 0:
            return
        siblings = traits.pop("siblings")
        self.open.add(
            number=orders, **traits, left=siblings, days_late=0, asked_at=NEVER, answered_at=NEVER, is_damaged=False, is_missing=False
        )

    def _ask(self, rows: Integers, at: int) -> None:
        """Send the surveys; those who will not answer are let go of."""
        if len(rows) == 0:
            return
        p, orders = self._parameters, self.open["number"][rows]
        asked = np.full(len(rows), at, dtype=np.int64)
        head = {"review_id": columns.ids("r", orders), "order_id": columns.ids("o", orders), "asked_at": columns.instants(asked)}
        self._exports.append("reviews", asked, head)
        waited = p.waits_days * np.exp(p.waits_spread * self._stream.normal(orders, slot=_WAITS))
        answered = asked + 10 * MINUTE + np.minimum(waited * DAY, 60 * DAY).astype(np.int64)
        self.open["asked_at"][rows] = asked
        self.open["answered_at"][rows] = answered
        silent = rows[self._stream.uniform(orders, slot=_ANSWERS) >= p.answered_share]
        stays = np.ones(len(self.open), dtype=bool)
        stays[silent] = False
        self.open.keep(stays)

    def _answer(self, today: Today) -> Scores:
        is_now = (self.open["answered_at"] >= today.start) & (self.open["answered_at"] < today.end)
        rows = np.flatnonzero(is_now)
        rows = rows[np.argsort(self.open["number"][rows], kind="stable")]
        orders, merchant, asked, answered = (self.open[name][rows] for name in ("number", "merchant", "asked_at", "answered_at"))
        drawn = self._stream.uniform(orders, slot=_SCORE)
        score = 1 + (drawn > self.chances(self._shift(today, rows))).sum(axis=0).astype(np.int64)
        self._write(orders, asked, answered, score)
        self.open.keep(~is_now)
        return Scores(merchant=merchant, score=score)

    def _shift(self, today: Today, rows: Integers) -> Floats:
        """The sum of all effects on the log-odds of a low score."""
        p, open_orders = self._parameters, self.open
        is_pending: Flags = open_orders["left"][rows] > 0
        so_far = np.maximum(today.number - self._days.of(open_orders["promised_at"][rows]), 0)
        days_late = np.maximum(open_orders["days_late"][rows], np.where(is_pending, so_far, 0))
        shift = p.late * -np.expm1(-days_late / p.late_days) + p.pending * is_pending
        shift = shift + p.missing * open_orders["is_missing"][rows] + p.damaged * open_orders["is_damaged"][rows]
        severity = self._stream.normal(open_orders["customer"][rows], slot=_CUSTOMER)
        return np.asarray(shift + p.quality * (0.5 - open_orders["quality"][rows]) + p.customer * severity)

    def _write(self, orders: Integers, asked: Integers, answered: Integers, score: Integers) -> None:
        p = self._parameters
        says_more = p.message + p.message_bad * (5 - score)
        rows = {
            "review_id": columns.ids("r", orders),
            "order_id": columns.ids("o", orders),
            "asked_at": columns.instants(asked),
            "answered_at": columns.instants(answered),
            "score": columns.integers(score),
            "has_title": columns.booleans(self._stream.uniform(orders, slot=_TITLE) < p.title),
            "has_message": columns.booleans(self._stream.uniform(orders, slot=_MESSAGE) < says_more),
        }
        self._exports.append("reviews", answered, rows)


_WHOLE = ("merchant", "customer", "promised_at", "left", "days_late", "asked_at", "answered_at")
