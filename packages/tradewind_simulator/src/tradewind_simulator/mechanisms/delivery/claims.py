"""Claims: what customers hold against a parcel. Not every victim claims, some wait, and a few claim what is not so."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit

from tradewind_simulator import columns
from tradewind_simulator.days import DAY, HOUR, NEVER
from tradewind_simulator.flows import Flags
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.delivery.endings import RECEIVED, Ended
from tradewind_simulator.mechanisms.delivery.receipt import Receipt
from tradewind_simulator.streams import Floats, Integers

KINDS = ("not_received", "damaged", "wrong_item")
NOT_RECEIVED, DAMAGED, WRONG_ITEM = range(len(KINDS))
RESOLUTIONS = ("refunded", "reshipped", "rejected")
REFUNDED, RESHIPPED, REJECTED = range(len(RESOLUTIONS))
_CUSTOMER, _OPENS, _WAITS, _PATIENT, _IS_WRONG, _TAKES, _IS_REJECTED, _IS_RESHIPPED = range(8)
_PER_PARCEL = 4


class ClaimsParameters(BaseModel):
    """Who claims, when, and what is decided. Chosen where no source is named: no public data has claims beside their truth."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    not_received: float = Field(default=1.0, description="Log-odds that one who did not receive a parcel worth 100 claims. Chosen.")
    damaged: float = Field(default=0.2, description="Log-odds that one whose parcel is damaged claims. Chosen.")
    wrong_item: float = Field(default=0.4, description="Log-odds that one who got something else claims. Chosen.")
    value: float = Field(default=0.4, ge=0, description="Times log(value / 100). Chosen: small things are not worth the trouble.")
    customer: float = Field(default=0.8, ge=0, le=5, description="Times the customer's disposition to complain (standard normal). Chosen.")
    wrong: float = Field(default=-5.3, description="Log-odds that a merchant of middling quality packs something else. Chosen: 0.5 %.")
    wrong_quality: float = Field(default=-2.5, le=0, description="Times the merchant's quality less one half. Chosen.")
    waits_days: float = Field(default=1.6, gt=0, description="Median days until a claim. Chosen.")
    waits_spread: float = Field(default=0.7, ge=0, le=3, description="Standard deviation of its logarithm. Chosen.")
    patient_share: float = Field(
        default=0.15, ge=0, le=1, description="Share that wait six times as long: the neighbour may have it. Chosen."
    )
    takes_days: float = Field(default=4.5, gt=0, description="Median days until the decision. Chosen.")
    takes_spread: float = Field(default=0.6, ge=0, le=3, description="Standard deviation of its logarithm. Chosen.")
    petty_cents: int = Field(
        default=8_000, ge=0, description="Claims up to this value are paid without a look. Chosen: a look costs as much."
    )
    rejected_petty: float = Field(default=-3.5, description="Log-odds that such a claim is rejected. Chosen.")
    rejected: float = Field(default=-1.6, description="Log-odds that any other is rejected. Chosen.")
    rejected_near: float = Field(default=1.4, ge=0, description="Added for not received when the scan was near the door. Chosen: policy.")
    near_m: float = Field(default=60.0, gt=0, description="What counts as near, in metres. Chosen: policy.")
    rejected_damaged: float = Field(default=-1.5, le=0, description="Added for damaged and wrong items: there are photos. Chosen: policy.")
    reshipped_share: float = Field(default=0.25, ge=0, le=1, description="Share of the accepted ones that are sent again. Chosen.")


class Claims:
    """Draws are functions of the parcel's and the customer's number; a claim's rows wait in the exports, nothing else is kept."""

    def __init__(self, parameters: ClaimsParameters, surroundings: Surroundings, receipt: Receipt) -> None:
        self._parameters = parameters
        self._exports, self._truth = surroundings.exports, surroundings.truth
        self._stream = surroundings.streams.stream("claims")
        self._receipt = receipt

    def step(self, ended: Ended) -> None:
        """Open the claims that will be made of the parcels whose way ended; they are known when they are opened."""
        p, number = self._parameters, ended.number
        lies = self._receipt.lies(ended)
        kind = self.grounds(ended, lies)
        probability = np.where(lies, 1.0, self.probability(ended, kind))
        rows = np.flatnonzero((kind >= 0) & (self._stream.uniform(number, slot=_OPENS) < probability))
        number, kind = number[rows], kind[rows]
        waited = p.waits_days * np.exp(p.waits_spread * self._stream.normal(number, slot=_WAITS))
        waited = np.where(self._stream.uniform(number, slot=_PATIENT) < p.patient_share, 6.0 * waited, waited)
        opened = ended.delivered_at[rows] + HOUR + np.minimum(waited * DAY, 60 * DAY).astype(np.int64)
        taken = p.takes_days * np.exp(p.takes_spread * self._stream.normal(number, slot=_TAKES))
        resolved = opened + HOUR + np.minimum(taken * DAY, 60 * DAY).astype(np.int64)
        resolution = self._decide(number, kind, ended.price[rows], ended.scan_m[rows])
        refund = np.where(resolution == REFUNDED, ended.price[rows] + ended.freight[rows], 0)
        self._write(number, ended.order[rows], kind, opened, resolved, resolution, refund)
        self._truth.append(
            "claims",
            {
                "claim_id": columns.ids("k", number * _PER_PARCEL),
                "parcel_id": columns.ids("x", number),
                "kind": columns.words(kind, KINDS),
                "is_true": columns.booleans(~lies[rows]),
                "claim_probability": columns.floats(probability[rows]),
                "opened_at": columns.instants(opened),
            },
        )

    def grounds(self, ended: Ended, lies: Flags) -> Integers:
        """What each customer could claim (position in ``KINDS``; -1 nothing), the gravest first."""
        p = self._parameters
        is_scanned = ended.delivered_at < NEVER
        wrong = expit(p.wrong + p.wrong_quality * (ended.quality - 0.5))
        is_wrong = is_scanned & (self._stream.uniform(ended.number, slot=_IS_WRONG) < wrong)
        kind = np.where(is_wrong, WRONG_ITEM, -1)
        kind = np.where(ended.is_damaged & is_scanned, DAMAGED, kind)
        return np.where((ended.cause != RECEIVED) | lies, NOT_RECEIVED, kind).astype(np.int64)

    def probability(self, ended: Ended, kind: Integers) -> Floats:
        """That a customer with such grounds claims."""
        p = self._parameters
        base = np.array([p.not_received, p.damaged, p.wrong_item])[kind]
        disposition = self._stream.normal(ended.customer, slot=_CUSTOMER)
        value = np.log(np.maximum(ended.price, 100) / 10_000.0)
        return np.asarray(expit(base + p.customer * disposition + p.value * value))

    def _decide(self, number: Integers, kind: Integers, price: Integers, scan_m: Floats) -> Integers:
        """The platform's policy: petty claims are paid, the others looked into."""
        p = self._parameters
        near = p.rejected_near * ((kind == NOT_RECEIVED) & (scan_m < p.near_m))
        logit = np.where(price <= p.petty_cents, p.rejected_petty, p.rejected + near + p.rejected_damaged * (kind != NOT_RECEIVED))
        is_reshipped = self._stream.uniform(number, slot=_IS_RESHIPPED) < p.reshipped_share
        accepted = np.where(is_reshipped, RESHIPPED, REFUNDED)
        return np.where(self._stream.uniform(number, slot=_IS_REJECTED) < expit(logit), REJECTED, accepted).astype(np.int64)

    def _write(
        self,
        number: Integers,
        order: Integers,
        kind: Integers,
        opened_at: Integers,
        resolved_at: Integers,
        resolution: Integers,
        refund: Integers,
    ) -> None:
        head = {
            "claim_id": columns.ids("k", number * _PER_PARCEL),
            "parcel_id": columns.ids("x", number),
            "order_id": columns.ids("o", order),
            "kind": columns.words(kind, KINDS),
            "opened_at": columns.instants(opened_at),
        }
        tail = {
            "resolved_at": columns.instants(resolved_at),
            "resolution": columns.words(resolution, RESOLUTIONS),
            "refund": columns.money(refund),
        }
        self._exports.append("claims", opened_at, head)
        self._exports.append("claims", resolved_at, {**head, **tail})
