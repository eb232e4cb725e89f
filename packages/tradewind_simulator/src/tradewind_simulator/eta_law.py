"""The planted law of the delivery time, for a sample of parcels: what an oracle could have said at each state of the way.

The oracle knows the planted law (every parameter, every latent trait that the stages' draws depend on) and the network's *realised*
path: the queues, overflows, weather, workdays and route plans that there really were, those after the instant of the state too. It does
not know the parcel's own remaining draws. So its median has the least mean absolute error that anybody could reach who knew the state
of the whole network in advance: a floor that no model can beat but by luck, and lower than the floor of one who must forecast queues.

What is simplified, so that the law is exact but for these: the parcel's own turn does not change the queues; a fulfilment centre's
queue is left out, and so is what a merchant's full day adds to its handling; couriers are all of average honesty; damage on the way is
left out of the attempts. Attempts that fail and the end itself have no law of their own. A parcel that goes back in a replicate counts
as later than all others in the quantiles and is left out of the error.

Estimated from ``replicates`` keyed draws, so p10, p50, p90 and the error have that sample's noise (the error is about 1/replicates low).
"""

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import DAY, NEVER
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.eta_replicates import (
    APPROVED,
    ARRIVED,
    DEPARTED,
    OUT_FOR_DELIVERY,
    PICKED_UP,
    PURCHASED,
    SORTED,
    STATES,
    Trajectories,
    World,
    delivered_at,
)
from tradewind_simulator.flows import Flags, Parcels, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.delivery.handling import Sellers
from tradewind_simulator.mechanisms.delivery.round_history import RoundHistory
from tradewind_simulator.mechanisms.transport import scans
from tradewind_simulator.streams import Floats, Integers

_SAMPLED = 0
_STATE = ("state", "at", "hub", "to", "hop", "ready_at", "attempt", "rounds")
_AT_THE_START: dict[str, npt.ArrayLike] = {"hub": -1, "to": -1, "hop": 0, "ready_at": NEVER, "attempt": 1, "rounds": 0}
_STATE_OF_EVENT = {scans.PICKED_UP: PICKED_UP, scans.ARRIVED: ARRIVED, scans.SORTED: SORTED, scans.DEPARTED: DEPARTED}


class EtaLawParameters(BaseModel):
    """How much of the law is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(default=0.01, ge=0, le=1, description="Share of parcels whose law is written (chosen: a few a day).")
    replicates: int = Field(
        default=48, ge=2, le=10_000, description="Draws of each remaining way (chosen: error of a quantile below 0.3 sd)."
    )
    horizon_days: int = Field(
        default=42,
        ge=10,
        le=90,
        description="Days after the purchase when it is written (chosen: nearly all have ended, and the days of a holdout have their law).",
    )
    batch_days: int = Field(
        default=3, ge=1, le=14, description="Days of purchases that are written together (chosen: fewer, larger arrays)."
    )


class EtaLaw:
    """Keeps what happens to the sampled parcels, and writes ``truth/eta_law`` when their horizon has passed."""

    def __init__(self, parameters: EtaLawParameters, surroundings: Surroundings, world: World) -> None:
        self.parameters = parameters
        self._truth, self._days, self._world = surroundings.truth, surroundings.days, world
        self._stream = surroundings.streams.stream("eta_law")
        whole = ("day", "order", "address", "origin_area", "area", "warehouse", "promised_at", "ordered_at")
        traits = ("median_hours", "spread", "load")
        kinds = {**dict.fromkeys(whole, np.int64), **dict.fromkeys(traits, np.float64)}
        self._parcels = Entities(**kinds, is_boleto=np.bool_)
        self._rounds = RoundHistory(len(world.network.hub_ids), world.last_mile.rounds.turn, world.workdays.starts)
        self._states = Entities(**dict.fromkeys(_STATE, np.int64))

    def step(self, today: Today, parcels: Parcels, sellers: Sellers, couriers: Integers) -> None:
        """Take in the day's purchases and what happened in the network; write what is due. To be called at the day's end.

        ``couriers``: people who were out today, by depot.
        """
        self._take(today, parcels, sellers)
        self._follow()
        self._rounds.keep(today, self._world.last_mile, couriers)
        p, last = self.parameters, today.number - self.parameters.horizon_days
        if last >= 0 and (last + 1) % p.batch_days == 0:
            self._write(last)

    def _is_sampled(self, number: Integers) -> Flags:
        return np.asarray(self._stream.uniform(number, slot=_SAMPLED) < self.parameters.share)

    def _followed(self, number: Integers) -> Integers:
        """Positions of the sampled ones whose law is still to be written."""
        rows = np.flatnonzero(self._is_sampled(number))
        return rows[np.isin(number[rows], self._parcels["number"])]

    def _take(self, today: Today, parcels: Parcels, sellers: Sellers) -> None:
        rows = np.flatnonzero(self._is_sampled(parcels.number))
        number, ordered_at = parcels.number[rows], parcels.ordered_at[rows]
        kept = self._world.handling.shipments.parcels.entities
        approved_at = kept["approved_at"][kept.positions(number)]
        merchant, order = parcels.merchant[rows], parcels.order[rows]
        by_boleto = self._world.handling.payments.approved_at(order, ordered_at, np.ones(len(rows), dtype=bool))
        self._parcels.add(
            number=number,
            day=today.number,
            order=order,
            address=parcels.address[rows],
            origin_area=parcels.origin_area[rows],
            area=parcels.destination_area[rows],
            warehouse=parcels.warehouse[rows],
            promised_at=parcels.promised_at[rows],
            ordered_at=ordered_at,
            median_hours=sellers.entities["handling_hours"][merchant],
            spread=sellers.entities["handling_sigma"][merchant],
            load=1.0,
            is_boleto=by_boleto == approved_at,
        )
        self._enter(number, PURCHASED, at=ordered_at)
        is_approved = approved_at < NEVER
        self._enter(number[is_approved], APPROVED, at=approved_at[is_approved])

    def _follow(self) -> None:
        """What the network and the couriers did with sampled parcels today."""
        passed = self._world.transport.passed
        rows = self._followed(passed.number)
        states = np.full(len(scans.EVENTS), -1, dtype=np.int64)
        states[list(_STATE_OF_EVENT)] = list(_STATE_OF_EVENT.values())
        path = {name: getattr(passed, name)[rows] for name in ("at", "hub", "to", "hop")}
        self._enter(passed.number[rows], states[passed.event[rows]], **path)
        out = self._world.last_mile.out
        rows = self._followed(out.number)
        path = {name: getattr(out, name)[rows] for name in ("ready_at", "attempt", "rounds")}
        self._enter(out.number[rows], OUT_FOR_DELIVERY, at=out.left_at[rows], hub=out.depot[rows], **path)

    def _enter(self, number: Integers, state: Integers | int, **known: Integers) -> None:
        """States of parcels; what is not given is as before the hand-over."""
        self._states.add(number=number, state=state, **{**_AT_THE_START, **known})

    def _write(self, last: int) -> None:
        """The law of parcels purchased until day ``last``, at all their states; parcels never handed over are left out."""
        parcels, states = self._parcels, self._states
        due = parcels["day"] <= last
        is_due = np.isin(states["number"], parcels["number"][due])
        sent = np.unique(states["number"][is_due & (states["state"] == PICKED_UP)])
        rows = np.flatnonzero(np.isin(states["number"], sent))
        rows = rows[np.lexsort((states["state"][rows], states["at"][rows], states["number"][rows]))]
        if len(rows):
            self._tell(rows)
        states.keep(~is_due)
        parcels.keep(~due)

    def _tell(self, rows: Integers) -> None:
        count, states, parcels = self.parameters.replicates, self._states, self._parcels
        of = parcels.positions(states["number"][rows])
        each, own = np.repeat(rows, count), np.repeat(of, count)
        carried = ("order", "address", "origin_area", "area", "warehouse", "promised_at", "is_boleto", "median_hours", "spread", "load")
        ways = Trajectories(
            replicate=np.tile(np.arange(1, count + 1, dtype=np.int64), len(rows)),
            **{name: states[name][each] for name in ("number", *_STATE)},
            **{name: parcels[name][own] for name in carried},
        )
        ends = delivered_at(self._world, ways, self._rounds).reshape(len(rows), count)
        taken = np.where(ends >= NEVER, np.inf, (ends - parcels["ordered_at"][of][:, None]) / DAY)
        p10, p50, p90, error = law_of(taken)
        number = states["number"][rows]
        self._truth.append(
            "eta_law",
            {
                "parcel_id": columns.ids("x", number),
                "state": columns.words(states["state"][rows], STATES),
                "at": columns.instants(states["at"][rows]),
                "p10_days": columns.floats(p10),
                "p50_days": columns.floats(p50),
                "p90_days": columns.floats(p90),
                "bayes_mae_days": columns.floats(error),
            },
        )

    def arrays(self) -> Arrays:
        """What it carries from day to day."""
        rounds = {f"rounds.{name}": values for name, values in self._rounds.arrays().items()}
        return {**self._parcels.arrays("parcels."), **self._states.arrays("states."), **rounds}

    def restore(self, arrays: Arrays) -> None:
        """Go on from a checkpoint."""
        self._parcels.restore(arrays, "parcels.")
        self._states.restore(arrays, "states.")
        self._rounds.restore(arrays, "rounds.")


def law_of(days: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """p10, p50, p90 of each row (states × replicates) and the mean absolute deviation from p50.

    Infinite times (parcels that go back) are later than all others; quantiles that would be infinite are NaN. The error leaves them
    out, and is NaN where p50 is.
    """
    ordered = np.sort(days, axis=1)
    p10, p50, p90 = (_quantile(ordered, share) for share in (0.1, 0.5, 0.9))
    counted = np.isfinite(ordered) & np.isfinite(p50)[:, None]
    apart = np.abs(np.where(counted, ordered, 0.0) - np.where(counted, p50[:, None], 0.0))
    return p10, p50, p90, np.where(np.isfinite(p50), apart.sum(axis=1) / np.maximum(counted.sum(axis=1), 1), np.nan)


def _quantile(ordered: Floats, share: float) -> Floats:
    place = share * (ordered.shape[1] - 1)
    low = int(place)
    pair = ordered[:, [low, min(low + 1, ordered.shape[1] - 1)]]
    is_known = np.isfinite(pair[:, 1])
    below, above = np.where(is_known[:, None], pair, 0.0).T
    return np.where(is_known, below + (above - below) * (place - low), np.nan)
