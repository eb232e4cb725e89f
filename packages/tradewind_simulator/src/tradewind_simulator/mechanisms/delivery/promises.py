"""The local day that a customer is promised at purchase: what the planner expects, and a generous margin."""

from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import DAY
from tradewind_simulator.flows import Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.delivery.shipments import Places
from tradewind_simulator.mechanisms.delivery.workdays import Workdays
from tradewind_simulator.streams import Floats, Integers

_IS_MISQUOTED, _MISQUOTE, _MARGIN, _QUOTE = range(4)


class PromisesParameters(BaseModel):
    """How generous promises are. Olist (public 2016–2018 data): 23.4 days after the purchase in the mean, 11 to 13 days after the
    delivery, and 7.5 % of the parcels come later than that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin_days: float = Field(
        default=14.8, ge=0, le=60, description="Days added to a promise in the mean. Fitted to Olist: THE lever on the share of late."
    )
    transit_factor: float = Field(
        default=1.6, ge=0, le=10, description="Factor on the planner's days, which know of no traffic. Fitted to Olist."
    )
    handling_factor: float = Field(
        default=1.5, ge=0, le=10, description="Factor on the merchant's median handling. Chosen: most orders are within."
    )
    approval_days: float = Field(default=0.5, ge=0, le=10, description="Days reserved for the payment. Olist: 0.4 in the mean.")
    lane_spread_days: float = Field(
        default=2.5, ge=0, le=10, description="Standard deviation of the lanes' (pairs of states) own margins, in days. Chosen."
    )
    quote_spread_days: float = Field(
        default=5.0,
        ge=0,
        le=20,
        description="Standard deviation of what the quote from one area to another is off, in days; no margin is below 0. Fitted to Olist: "
        "promises are both long and missed.",
    )
    misquoted_share: float = Field(default=0.12, ge=0, le=1, description="Share of lanes (pairs of states) with a wrong quote. Chosen.")
    misquote_days: float = Field(
        default=6.0, ge=0, le=30, description="Most days by which a wrong quote is too short (at least a third). Chosen."
    )


class Geography(Places, Protocol):
    """Nothing beyond states and areas."""


class RoutePlan(Protocol):
    """The planner's days between depots."""

    def depot_of_area(self, day: int) -> Integers:
        """Position of the depot of each area."""

    def planned_days(self, day: int) -> Floats:
        """Planned days from depot to depot."""


class Promises:
    """Promises, by the planner's route of the day. They keep nothing from day to day."""

    def __init__(self, parameters: PromisesParameters, surroundings: Surroundings, geography: Geography, workdays: Workdays) -> None:
        self._parameters = parameters
        self._truth = surroundings.truth
        self._days = surroundings.days
        self._geography = geography
        self._workdays = workdays
        count = len(geography.states)
        self._origins, self._destinations = np.divmod(np.arange(count * count, dtype=np.int64), count)
        self._stream = stream = surroundings.streams.stream("promises")
        drawn = stream.uniform(self._origins, self._destinations, slot=_MISQUOTE)
        wrong = stream.bernoulli(parameters.misquoted_share, self._origins, self._destinations, slot=_IS_MISQUOTED)
        self._misquotes = np.where(wrong, parameters.misquote_days * (1.0 + 2.0 * drawn) / 3.0, 0.0)
        self._margins = parameters.margin_days + parameters.lane_spread_days * stream.normal(
            self._origins, self._destinations, slot=_MARGIN
        )

    def step(self, today: Today) -> None:
        """On the first day, tell the truth of the lanes' quotes."""
        if today.number == 0:
            states = self._geography.states
            self._truth.append(
                "promise_lanes",
                {
                    "origin_state": columns.words(self._origins, states),
                    "destination_state": columns.words(self._destinations, states),
                    "margin_days": columns.floats(self._margins - self._misquotes),
                    "misquote_days": columns.floats(self._misquotes),
                },
            )

    def of(
        self, today: Today, origin_area: Integers, destination_area: Integers, ordered_at: Integers, handling_hours: Floats, plan: RoutePlan
    ) -> Integers:
        """The start of the promised local day of each parcel: a workday where it goes, never the day of the purchase.

        ``handling_hours`` is the usual time (median) of who ships it, in hours of workdays.
        """
        depot = plan.depot_of_area(today.number)
        planned = plan.planned_days(today.number)[depot[origin_area], depot[destination_area]]
        return self.after(ordered_at, origin_area, destination_area, handling_hours, planned)

    def after(
        self, ordered_at: Integers, origin_area: Integers, destination_area: Integers, handling_hours: Floats, planned_days: Floats
    ) -> Integers:
        """The same with the route's planned days at hand."""
        p, area_state = self._parameters, self._geography.area_state
        origin, destination = area_state[origin_area], area_state[destination_area]
        lane = origin * len(self._geography.states) + destination
        handling = p.approval_days + p.handling_factor * handling_hours * _HOURS_TO_DAYS
        off = p.quote_spread_days * self._stream.normal(origin_area, destination_area, slot=_QUOTE)
        margin = np.maximum(self._margins[lane] + off, 0.0) - self._misquotes[lane]
        wanted = handling + p.transit_factor * planned_days + margin
        clock = (ordered_at - self._workdays.starts(self._days.of(ordered_at))) / DAY
        later = np.maximum(np.floor(clock + wanted), 1.0).astype(np.int64)
        day = self._days.of(ordered_at) + later
        return self._workdays.starts(self._workdays.following(day - 1, destination))


_HOURS_TO_DAYS = 7.0 / 6.0 / 24.0
"""Of six workdays in a week."""
