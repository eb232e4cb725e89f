"""What the scanners say: the one writer of ``scan_events``, with the defects of real scanners at known rates.

A scan may be missing, uploaded twice, read by a scanner with a wrong clock, or uploaded late; which one is drawn for the scan's number
alone. Truth table ``scans`` holds only the scans with a defect, with the true instant.

Ordinals of a parcel's scans are what they are of, not a count: see ``network_ordinal`` and ``last_mile_ordinal``.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tradewind_contracts.tables import TABLES
from tradewind_simulator import columns
from tradewind_simulator.days import DAY, HOUR, MINUTE
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.streams import Floats, Integers

EVENTS = TABLES["scan_events"].column("event").allowed
"""Words of the events; a scan's event is its position here."""
PICKED_UP, ARRIVED, SORTED, DEPARTED, OUT_FOR_DELIVERY, ATTEMPTED, DELIVERED, RETURNED = range(len(EVENTS))
DEFECTS = ("missing", "duplicate", "clock", "late")
"""Defects in truth: not written; written twice; the scanner's clock was wrong; uploaded hours or days later."""

_PER_PARCEL = 256
_TWICE = 128
_MOST_HOPS = 21
_LAST_MILE = 64
_DEFECT, _SIZE, _AGAIN = 0, 1, 2
_WORD = 2.0**-32


class ScansParameters(BaseModel):
    """Rates of defects per scan (shares, 0 to 1) and how large they are.

    Sources: chosen. Public parcel data without scans lost or uploaded late is not known to us; Delhivery's public trip data (2018)
    has cut-off stamps that disagree with the scans in a few percent of the rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    missing: float = Field(default=0.02, ge=0, le=0.5, description="Share of scans that nobody made (chosen).")
    duplicate: float = Field(
        default=0.015, ge=0, le=0.5, description="Share uploaded twice (chosen: retry of a queue that is at-least-once)."
    )
    clock: float = Field(default=0.005, ge=0, le=0.5, description="Share read by a scanner with a wrong clock (chosen).")
    late: float = Field(default=0.03, ge=0, le=0.5, description="Share uploaded late (chosen: no coverage on the road).")
    upload_seconds: float = Field(default=30.0, gt=0, le=600, description="Mean delay of an ordinary upload, seconds (chosen).")
    again_minutes: float = Field(default=20.0, gt=0, le=600, description="Mean delay of the second upload, minutes (chosen).")
    clock_minutes: float = Field(
        default=90.0, gt=0, le=360, description="Mean error of a wrong clock either way, minutes (chosen); at most 6 h."
    )
    late_hours_least: float = Field(default=1.0, gt=0, le=24, description="Least delay of a late upload, hours (chosen).")
    late_hours_most: float = Field(default=96.0, gt=0, le=240, description="Greatest delay of a late upload, hours (issue 3: up to days).")

    @model_validator(mode="after")
    def _whole(self) -> "ScansParameters":
        if self.missing + self.duplicate + self.clock + self.late > 1:
            raise ValueError("missing, duplicate, clock and late together are more than all scans")
        if self.late_hours_least > self.late_hours_most:
            raise ValueError("late_hours_least is more than late_hours_most")
        return self


def network_ordinal(hop: Integers, event: int) -> Integers:
    """Ordinal of a scan in the network: of the parcel's ``hop``-th hub (from 0; at most 20), arrived or picked up, sorted, departed."""
    return np.minimum(hop, _MOST_HOPS - 1) * 3 + max(event - ARRIVED, 0)


def last_mile_ordinal(attempt: Integers, event: int) -> Integers:
    """Ordinal of a scan of the last mile: of the parcel's ``attempt``-th attempt (from 0; at most 15)."""
    return _LAST_MILE + np.minimum(attempt, 15) * 4 + (event - OUT_FOR_DELIVERY)


class Scans:
    """Writes scans as scanners do. It keeps nothing from day to day."""

    def __init__(self, parameters: ScansParameters, surroundings: Surroundings, hub_ids: Sequence[str]) -> None:
        self.parameters = parameters
        self._exports, self._truth = surroundings.exports, surroundings.truth
        self._stream = surroundings.streams.stream("scans")
        self._hub_ids = tuple(hub_ids)
        p = parameters
        self._bounds = np.cumsum([p.missing, p.duplicate, p.clock, p.late])

    def record(
        self,
        parcels: Integers,
        hubs: Integers,
        event: int | Integers,
        occurred_at: Integers,
        ordinal: Integers,
        next_hub: Integers | None = None,
    ) -> None:
        """Scans of ``event`` (position in ``EVENTS``; one for all or one each) of ``parcels`` (numbers) at ``hubs`` (positions).

        ``occurred_at`` must not lie before the local day that is being simulated.
        """
        if len(parcels) == 0:
            return
        number = parcels * _PER_PARCEL + ordinal
        defect, delay = self._defects(number)
        events = np.broadcast_to(np.asarray(event, dtype=np.int64), len(parcels))
        following = np.full(len(parcels), -1) if next_hub is None else next_hub
        shown, recorded = occurred_at.copy(), occurred_at + delay
        odd = np.flatnonzero(defect >= 0)
        self._shift(number, defect, odd, shown, recorded)
        self._tell(number[odd], parcels[odd], events[odd], defect[odd], occurred_at[odd])
        twice = np.flatnonzero(defect == 1)
        rows = np.concatenate([np.flatnonzero(defect != 0), twice])
        is_second = np.zeros(len(rows), dtype=np.int64)
        is_second[len(rows) - len(twice) :] = 1
        uploaded = recorded[rows]
        uploaded[len(rows) - len(twice) :] += self._again(number[twice])
        self._write(number[rows] + _TWICE * is_second, parcels[rows], hubs[rows], events[rows], following[rows], shown[rows], uploaded)

    def _defects(self, number: Integers) -> tuple[Integers, Integers]:
        """The defect of each scan (position in ``DEFECTS``, -1 none) and the seconds until an ordinary upload."""
        bits = self._stream.bits(number, slot=_DEFECT)
        drawn = (bits >> np.uint64(32)).astype(np.float64) * _WORD
        waited = -np.log(((bits & np.uint64(0xFFFFFFFF)).astype(np.float64) + 0.5) * _WORD) * self.parameters.upload_seconds
        defect = np.where(drawn < self._bounds[-1], np.searchsorted(self._bounds, drawn, side="right"), -1)
        return defect, 1 + waited.astype(np.int64)

    def _shift(self, number: Integers, defect: Integers, odd: Integers, shown: Integers, recorded: Integers) -> None:
        """Wrong clocks change what is shown, late uploads when it is recorded."""
        p = self.parameters
        size = self._stream.uniform(number[odd], slot=_SIZE)
        is_clock, is_late = defect[odd] == 2, defect[odd] == 3
        clock = odd[is_clock]
        error = np.clip(_two_sided(size[is_clock]) * p.clock_minutes * MINUTE, -6 * HOUR, 6 * HOUR)
        shown[clock] += np.where(error < 0, -1, 1) * np.maximum(np.abs(error), MINUTE).astype(np.int64)
        hours = p.late_hours_least * (p.late_hours_most / p.late_hours_least) ** size[is_late]
        recorded[odd[is_late]] += (hours * HOUR).astype(np.int64)

    def _again(self, number: Integers) -> Integers:
        waited = self._stream.exponential(number, slot=_AGAIN) * self.parameters.again_minutes * MINUTE
        return np.minimum(1 + waited, DAY).astype(np.int64)

    def _tell(self, number: Integers, parcels: Integers, events: Integers, defect: Integers, at: Integers) -> None:
        self._truth.append(
            "scans",
            {
                "scan_id": columns.ids("s", number),
                "parcel_id": columns.ids("x", parcels),
                "event": columns.words(events, EVENTS),
                "defect": columns.words(defect, DEFECTS),
                "occurred_at": columns.instants(at),
            },
        )

    def _write(
        self,
        number: Integers,
        parcels: Integers,
        hubs: Integers,
        events: npt.NDArray[np.int64],
        following: Integers,
        shown: Integers,
        recorded: Integers,
    ) -> None:
        self._exports.append(
            "scan_events",
            recorded,
            {
                "scan_id": columns.ids("s", number),
                "parcel_id": columns.ids("x", parcels),
                "hub_id": columns.words(hubs, self._hub_ids),
                "event": columns.words(events, EVENTS),
                "next_hub_id": columns.words(following, self._hub_ids),
                "occurred_at": columns.instants(shown),
                "recorded_at": columns.instants(recorded),
            },
        )


def _two_sided(uniform: Floats) -> Floats:
    """Laplace with mean absolute value 1."""
    side = np.where(uniform < 0.5, -1.0, 1.0)
    return -side * np.log(np.where(uniform < 0.5, 2.0 * uniform, 2.0 * (1.0 - uniform)))
