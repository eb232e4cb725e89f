"""What couriers report: attempts as they say them, the scans of the last mile, and beside them the truth."""

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import HOUR, MINUTE
from tradewind_simulator.flows import Flags
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.delivery import attempts as causes
from tradewind_simulator.mechanisms.transport import scans as events
from tradewind_simulator.streams import Floats, Integers

_DISTANCE, _UPLOAD, _IS_LATE, _LATE = range(4)
_PER_PARCEL = 16
FALSE_SCAN = "false_scan"
"""In truth, beside the causes of ``attempts``: scanned as delivered by a courier who was not there."""


class CourierReportsParameters(BaseModel):
    """How far from the door couriers scan, and when their reports arrive. Chosen: phones' positions err by tens of metres."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    near_m: float = Field(default=25.0, gt=0, description="Median distance of a scan at the door, in metres. Chosen.")
    near_written: float = Field(
        default=0.5, ge=0, description="Its logarithm grows by this times the address's effect: it is located worse. Chosen."
    )
    wrong_door_m: float = Field(default=110.0, gt=0, description="Median distance of a scan at a wrong door, in metres. Chosen.")
    away_m: float = Field(default=1300.0, gt=0, description="Median distance where the courier did not go, in metres. Chosen.")
    spread: float = Field(default=0.8, ge=0, le=3, description="Standard deviation of the logarithm of all three. Chosen.")
    upload_minutes: float = Field(default=2.0, gt=0, description="Mean time until a report is uploaded, in minutes. Chosen.")
    late_share: float = Field(default=0.03, ge=0, le=1, description="Share uploaded later, without signal until then. Chosen.")
    late_hours: float = Field(default=36.0, gt=0, le=240, description="Most hours until then (evenly from one). Chosen.")


@dataclass(frozen=True)
class Made:
    """Attempts that were made, aligned."""

    number: Integers
    """Parcel."""
    attempt: Integers
    """From 1."""
    depot: Integers
    courier: Integers
    attempted_at: Integers
    cause: Integers
    """True cause (position in ``attempts.CAUSES``)."""
    probability: Floats
    """That it fails."""
    dishonesty: Floats
    is_false_scan: Flags
    is_wrong_door: Flags
    written: Floats
    """Planted effect of how the address is written."""

    def take(self, rows: Integers | Flags) -> "Made":
        """Some of them."""
        return Made(*(getattr(self, field.name)[rows] for field in fields(self)))

    def and_then(self, others: "Made") -> "Made":
        """These and ``others``."""
        return Made(*(np.concatenate([getattr(self, field.name), getattr(others, field.name)]) for field in fields(self)))

    @property
    def is_false(self) -> Flags:
        """The courier was not there."""
        return np.asarray(self.is_false_scan | (self.cause == causes.FALSE_ATTEMPT))


class ScanRecorder(Protocol):
    """The writer of scans."""

    def record(
        self,
        parcels: Integers,
        hubs: Integers,
        event: int | Integers,
        occurred_at: Integers,
        ordinal: Integers,
        next_hub: Integers | None = None,
    ) -> None:
        """Scans as scanners make them."""


class CourierReports:
    """Draws are functions of the attempt's number; nothing is kept from day to day."""

    def __init__(
        self, parameters: CourierReportsParameters, surroundings: Surroundings, hub_ids: tuple[str, ...], scans: ScanRecorder
    ) -> None:
        self._parameters = parameters
        self._exports, self._truth = surroundings.exports, surroundings.truth
        self._stream = surroundings.streams.stream("courier reports")
        self._hub_ids = hub_ids
        self._scans = scans

    def distance_m(self, made: Made) -> Floats:
        """Metres from each scan to where the address is located, in whole decimetres."""
        p = self._parameters
        median = p.near_m * np.exp(p.near_written * made.written)
        median = np.where(made.is_wrong_door, p.wrong_door_m, median)
        median = np.where(made.is_false, p.away_m, median)
        number = made.number * _PER_PARCEL + made.attempt
        return np.round(median * np.exp(p.spread * self._stream.normal(number, slot=_DISTANCE)), 1)

    def write(self, made: Made, distance_m: Floats) -> None:
        """Attempts into ``delivery_attempts`` as said, and into truth as they were."""
        number = made.number * _PER_PARCEL + made.attempt
        ids, parcels = columns.ids("t", number), columns.ids("x", made.number)
        couriers = columns.ids("v", made.courier)
        recorded = made.attempted_at + self._delay(number)
        said = {
            "attempt_id": ids,
            "parcel_id": parcels,
            "attempt_number": columns.integers(made.attempt),
            "hub_id": columns.words(made.depot, self._hub_ids),
            "courier_id": couriers,
            "attempted_at": columns.instants(made.attempted_at),
            "recorded_at": columns.instants(recorded),
            "outcome": columns.words((made.cause != causes.DELIVERED).astype(np.int64), ("delivered", "failed")),
            "reason": columns.words(causes.SAID[made.cause], causes.REASONS),
            "scan_to_address_m": columns.floats(distance_m),
        }
        self._exports.append("delivery_attempts", recorded, said)
        self._truth.append(
            "attempts",
            {
                "attempt_id": ids,
                "parcel_id": parcels,
                "courier_id": couriers,
                "true_cause": columns.words(np.where(made.is_false_scan, len(causes.CAUSES), made.cause), (*causes.CAUSES, FALSE_SCAN)),
                "failure_probability": columns.floats(made.probability),
                "is_false": columns.booleans(made.is_false),
                "courier_dishonesty": columns.floats(made.dishonesty),
            },
        )

    def scan(self, made: Made, left: Made, leaves_at: Integers, back: Made, returned_at: Integers) -> None:
        """Scans of the attempts ``made``, of leaving the depot for those in ``left``, and of going back to the merchant in ``back``."""
        is_done = made.cause == causes.DELIVERED
        parts = (left, made, back)
        code = (
            np.full(len(left.number), events.OUT_FOR_DELIVERY),
            np.where(is_done, events.DELIVERED, events.ATTEMPTED),
            np.full(len(back.number), events.RETURNED),
        )
        done, failed = (events.last_mile_ordinal(made.attempt - 1, event) for event in (events.DELIVERED, events.ATTEMPTED))
        ordinal = (
            events.last_mile_ordinal(left.attempt - 1, events.OUT_FOR_DELIVERY),
            np.where(is_done, done, failed),
            events.last_mile_ordinal(back.attempt - 1, events.RETURNED),
        )
        self._scans.record(
            np.concatenate([part.number for part in parts]),
            np.concatenate([part.depot for part in parts]),
            np.concatenate(code).astype(np.int64),
            np.concatenate([leaves_at, made.attempted_at, returned_at]),
            np.concatenate(ordinal),
        )

    def _delay(self, number: Integers) -> Integers:
        p = self._parameters
        usual = 1 + self._stream.exponential(number, slot=_UPLOAD) * p.upload_minutes * MINUTE
        late = HOUR * (1.0 + (p.late_hours - 1.0) * self._stream.uniform(number, slot=_LATE))
        is_late = self._stream.uniform(number, slot=_IS_LATE) < p.late_share
        return np.where(is_late, np.maximum(usual, late), usual).astype(np.int64)
