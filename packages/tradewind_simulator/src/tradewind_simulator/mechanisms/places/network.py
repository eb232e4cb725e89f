"""Network: hubs of three levels, the lanes between them with their validity, and the route plan of each day.

What is planned changes on few days only (a hub opens or closes, lanes begin and end): between them lies an epoch, and all that
holds in it is computed once. A hub that has closed takes nothing in; what is still in it leaves by the lanes that it had.
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tradewind_contracts.errors import SettingsError
from tradewind_simulator import columns
from tradewind_simulator.days import DAY, NEVER
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Flags, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.places import hubs
from tradewind_simulator.mechanisms.places.geography import Geography, great_circle_km
from tradewind_simulator.mechanisms.places.hubs import LOCAL, NATIONAL, REGIONAL
from tradewind_simulator.mechanisms.places.routes import RoutePlan, plan
from tradewind_simulator.streams import Floats, Integers

NEVER_CLOSES = 10**9
LEVELS = ("national", "regional", "local")
_SPEED, _ENDS, _BEGINS = range(3)
_DEPARTURE_MINUTE = 23 * 60 + 30


class NetworkParameters(BaseModel):
    """Where hubs stand, which lanes link them, and what changes when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    depots_count: int = Field(default=90, ge=27, le=300)
    """Local depots of a world of ``reference_orders_per_day``; each state has at least one. Chosen: some ten parcels a day and depot."""
    reference_orders_per_day: float = Field(default=600.0, gt=0)
    """Orders per day for which ``depots_count`` holds. Chosen: the default world."""
    depots_exponent: float = Field(default=0.15, ge=0, le=1)
    """Power of the world's scale that the number of depots follows. Chosen: small worlds keep most of the network."""
    detour: float = Field(default=1.3, ge=1, le=3)
    """Road distance over great-circle distance. Chosen: between the 1.2 and 1.4 that Ballou, Rahardja and Sakai (2002, Transportation
    Research A 36) give for most countries."""
    national_kmh: float = Field(default=65.0, ge=25, le=100)
    """Planner's speed between national sort centres and to regional ones. Chosen: trucks on trunk roads, limited to 80 to 90 km/h, with stops."""
    regional_kmh: float = Field(default=55.0, ge=25, le=100)
    """Planner's speed between regional hubs, and from the nationals of another part of the country. Chosen: single-lane federal roads."""
    local_kmh: float = Field(default=42.0, ge=25, le=100)
    """Planner's speed between a depot and its regional hub. Chosen: city traffic at one end."""
    remote_kmh: dict[str, float] = {"AM": 24.0, "AP": 24.0, "RR": 28.0, "AC": 34.0, "RO": 45.0, "PA": 42.0}
    """Greatest planner's speed of a lane that touches these states, in km/h. Chosen: Manaus and Macapá have no road to the South, barges
    from Belém take four to six days; Acre and Roraima hang on one long road."""
    speed_spread: float = Field(default=0.08, ge=0, le=0.2)
    """Standard deviation of a lane's planned speed about the level's, as a share (cut at two of them). Chosen: roads differ."""
    hub_minutes: float = Field(default=600.0, ge=0)
    """What the planner adds for each hub on the way. Chosen: a parcel visits at most one hub a day, so a hub costs much of a day."""
    shortcut_km: float = Field(default=900.0, ge=0)
    """Regional hubs up to this great-circle distance may have a direct lane. Chosen: a night's and a day's drive."""
    shortcuts_count: int = Field(default=3, ge=0, le=10)
    """Direct lanes that each regional hub has to its nearest others, at most. Chosen: neighbours."""
    direct_km: float = Field(default=90.0, ge=0)
    """Depots up to this great-circle distance have a direct lane to and from a national sort centre. Chosen: one round trip an evening."""
    national_links: int = Field(default=2, ge=1, le=4)
    """National sort centres that each regional hub is linked to. Chosen: its own and the next."""
    planned_ratio: float = Field(default=2.0, ge=1)
    """Actual over planned minutes that ``planned_days`` allows for. Source: the median of Delhivery's public trips, 2.0."""
    opening_day: int = Field(default=120, ge=1)
    """Day on which a second regional hub opens in the interior of São Paulo. Chosen: a third of the first year."""
    closing_day: int = Field(default=200, ge=1)
    """Day on which the smallest depot of the state with most of them closes; its areas go to the next nearest. Chosen: after the opening."""
    lanes_day: int = Field(default=250, ge=1)
    """Day on which direct lanes between regional hubs are contracted anew. Chosen: after the closing."""
    lanes_share: float = Field(default=0.3, ge=0, le=1)
    """Share of those lanes that end on ``lanes_day``; half as many begin on it. Chosen: enough to be seen."""
    lanes_pause_days: int = Field(default=45, ge=1)
    """Days after which half of the ended lanes are valid again. Chosen: a lane with two intervals."""
    wind_down_days: int = Field(default=10, ge=0)
    """Days for which the lanes out of a closed hub stay valid, to empty it. Chosen: longer than a backlog lasts."""


@dataclass(frozen=True)
class Epoch:
    """What holds from ``first_day`` on until the next epoch."""

    first_day: int
    is_open: Flags
    is_valid: npt.NDArray[np.bool_]
    """[H, H]: lanes valid for the landing table."""
    depot_of_area: Integers
    routes: RoutePlan


class Network:
    """Hubs, lanes and routes of a world; a function of parameters, seed, scale and levers, with nothing carried from day to day."""

    def __init__(self, parameters: NetworkParameters, surroundings: Surroundings, geography: Geography) -> None:
        self.parameters = parameters
        self._surroundings = surroundings
        self._geography = geography
        self._stream = surroundings.streams.stream("network")
        scale = (surroundings.orders_per_day / parameters.reference_orders_per_day) ** parameters.depots_exponent
        sites = hubs.place(geography, max(27, round(parameters.depots_count * scale)))
        self.hub_ids: tuple[str, ...] = tuple(f"H{number:03d}" for number in range(1, len(sites.level) + 1))
        self.level: Integers = sites.level
        self.hub_area: Integers = sites.area
        self.hub_state: Integers = geography.area_state[sites.area]
        self.hub_city: Integers = sites.city
        self.hub_lat: Floats = sites.lat
        self.hub_lng: Floats = sites.lng
        self.parent: Integers = sites.parent
        """Position of the hub that it hangs on; -1 at the top."""
        self.opened_day: Integers = np.where(sites.is_later, parameters.opening_day, 0).astype(np.int64)
        self.closed_day: Integers = self._closings(sites.closing)
        self._great_circle = great_circle_km(
            self.hub_lat[:, np.newaxis], self.hub_lng[:, np.newaxis], self.hub_lat[np.newaxis, :], self.hub_lng[np.newaxis, :]
        )
        self._changes = self._days_of_change()
        linked = np.any([self._links(day)[0] for day in self._changes], axis=0)
        self.distance_km: Floats = np.where(linked, np.maximum(self._great_circle * parameters.detour, 1.0).round(1), np.nan)
        """[H, H] road distance; NaN where no lane ever links the two."""
        self.planned_minutes: Floats = np.round(self.distance_km / self._speeds() * 60.0, 1)
        """[H, H] minutes of the route planner; NaN where no lane ever links the two."""
        self._epochs = self._make_epochs()

    def _closings(self, closing: int) -> Integers:
        closed = np.full(len(self.level), NEVER_CLOSES, dtype=np.int64)
        if closing >= 0:
            closed[closing] = self.parameters.closing_day
        for hub_id, date in self._surroundings.interventions.closed_hubs:
            if hub_id not in self.hub_ids:
                raise SettingsError(f"--intervene close_hub={hub_id}: no such hub; this world has {self.hub_ids[0]} to {self.hub_ids[-1]}")
            hub = self.hub_ids.index(hub_id)
            closed[hub] = min(closed[hub], max((date - self._surroundings.days.first).days, 0))
        return closed

    def _days_of_change(self) -> list[int]:
        p = self.parameters
        ends = self.closed_day[self.closed_day < NEVER_CLOSES]
        changes = {0, p.lanes_day, p.lanes_day + p.lanes_pause_days, *self.opened_day, *ends, *(ends + p.wind_down_days)}
        return sorted(int(day) for day in changes)

    def _speeds(self) -> Floats:
        p, level = self.parameters, self.level
        lowest, highest = np.minimum.outer(level, level), np.maximum.outer(level, level)
        by_level = np.where(highest == LOCAL, p.local_kmh, np.where(lowest == NATIONAL, p.national_kmh, p.regional_kmh))
        limits = np.array([p.remote_kmh.get(state, 200.0) for state in self._geography.states])[self.hub_state]
        between_hubs = (highest < LOCAL) | (self._great_circle > 60.0)
        limit = np.where(between_hubs, np.minimum.outer(limits, limits), 200.0)
        numbers = np.arange(len(level), dtype=np.int64)
        spread = np.clip(self._stream.normal(numbers[:, np.newaxis], numbers[np.newaxis, :], slot=_SPEED), -2.0, 2.0)
        return np.asarray(np.clip(np.minimum(by_level, limit) * (1 + p.speed_spread * spread), 21.0, 110.0))

    def _links(self, day: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """The lanes valid on ``day`` and those that a plan of it may use: the latter let closed hubs empty for ever."""
        is_open = (self.opened_day <= day) & (day < self.closed_day)
        both = is_open[:, np.newaxis] & is_open[np.newaxis, :]
        links = (self._trunk(is_open) | self._local(is_open) | self._shortcuts(day, is_open)) & both
        usable = links.copy()
        for hub in np.flatnonzero(self.closed_day <= day):
            before = is_open.copy()
            before[hub] = True
            usable[hub] |= (self._trunk(before) | self._local(before))[hub] & is_open
        emptying = (self.closed_day <= day) & (day < self.closed_day + self.parameters.wind_down_days)
        return links | (usable & emptying[:, np.newaxis]), usable

    def _nearest(self, of: Flags, among: Flags, count: int) -> npt.NDArray[np.bool_]:
        """[H, H] symmetric links of each hub in ``of`` with its ``count`` nearest in ``among``, other than itself."""
        links = np.zeros(self._great_circle.shape, dtype=bool)
        candidates = np.flatnonzero(among)
        for hub in np.flatnonzero(of):
            others = candidates[candidates != hub]
            links[hub, others[np.argsort(self._great_circle[hub, others], kind="stable")[:count]]] = True
        return links | links.T

    def _trunk(self, is_open: Flags) -> npt.NDArray[np.bool_]:
        """National centres among each other, and each regional hub with its nearest of them."""
        nationals, regionals = is_open & (self.level == NATIONAL), is_open & (self.level == REGIONAL)
        return self._nearest(nationals, nationals, len(nationals)) | self._nearest(regionals, nationals, self.parameters.national_links)

    def _local(self, is_open: Flags) -> npt.NDArray[np.bool_]:
        """Depots with their parent, with a regional hub that is nearer (one that opened later) and with a near national centre.

        A depot whose parent is shut takes the nearest regional hub, or national centre where no regional one is left.
        """
        depots, regionals = is_open & (self.level == LOCAL), is_open & (self.level == REGIONAL)
        links = self._nearest(depots, regionals if regionals.any() else is_open & (self.level == NATIONAL), 1)
        positions = np.flatnonzero(depots)
        links[positions, self.parent[positions]] = True
        near = (self._great_circle <= self.parameters.direct_km) & (self.level == NATIONAL)[np.newaxis, :] & depots[:, np.newaxis]
        return np.asarray(links | links.T | near | near.T)

    def _shortcuts(self, day: int, is_open: Flags) -> npt.NDArray[np.bool_]:
        """Direct lanes between regional hubs, as contracted for ``day``; drawn for each pair."""
        p = self.parameters
        regionals = is_open & (self.level == REGIONAL)
        candidates = self._nearest(regionals, regionals, p.shortcuts_count) & (self._great_circle <= p.shortcut_km)
        numbers = np.arange(len(self.level), dtype=np.int64)
        low, high = np.minimum.outer(numbers, numbers), np.maximum.outer(numbers, numbers)
        ends, begins = self._stream.uniform(low, high, slot=_ENDS), self._stream.uniform(low, high, slot=_BEGINS)
        paused = (ends < p.lanes_share) & (day >= p.lanes_day)
        resumed = (ends < p.lanes_share / 2) & (day >= p.lanes_day + p.lanes_pause_days)
        not_yet = (begins < p.lanes_share / 2) & (day < p.lanes_day)
        return candidates & ~not_yet & (~paused | resumed)

    def _make_epochs(self) -> tuple[Epoch, ...]:
        p = self.parameters
        leg_days = np.maximum(1.0, np.floor((_DEPARTURE_MINUTE + p.planned_ratio * self.planned_minutes) / (DAY // 60)))
        epochs = []
        for day in self._changes:
            valid, usable = self._links(day)
            is_open = (self.opened_day <= day) & (day < self.closed_day)
            routes = plan(np.where(usable, self.planned_minutes, np.nan), self.level == LOCAL, p.hub_minutes, leg_days)
            self._refuse_gaps(day, is_open, routes)
            epochs.append(Epoch(day, is_open, valid, self._nearest_depots(is_open), routes))
        return tuple(epochs)

    def _refuse_gaps(self, day: int, is_open: Flags, routes: RoutePlan) -> None:
        depots = np.flatnonzero(is_open & (self.level == LOCAL))
        if len(depots) == 0 or np.isnan(routes.planned_days[np.ix_(depots, depots)]).any():
            raise SettingsError(f"with the hubs that are closed on day {day}, some depots can't be reached; close fewer hubs")

    def _nearest_depots(self, is_open: Flags) -> Integers:
        """The nearest open depot of each area: in its own state, where there is one."""
        geography = self._geography
        depots = np.flatnonzero(is_open & (self.level == LOCAL))
        if len(depots) == 0:
            return np.full(len(geography.area_ids), -1, dtype=np.int64)
        away = great_circle_km(
            geography.area_lat[:, np.newaxis], geography.area_lng[:, np.newaxis], self.hub_lat[depots], self.hub_lng[depots]
        )
        elsewhere = geography.area_state[:, np.newaxis] != self.hub_state[depots]
        return np.asarray(depots[np.argmin(away + np.where(elsewhere, 1e5, 0.0), axis=1)])

    @functools.lru_cache(maxsize=4096)  # noqa: B019 (one Network lives as long as its world)
    def _epoch(self, day: int) -> Epoch:
        return self._epochs[int(np.searchsorted(self._changes, day, side="right")) - 1]

    def epoch_number(self, day: int) -> int:
        """Changes whenever something else of the plan does: what was made for a day holds for all days of the same epoch."""
        return int(np.searchsorted(self._changes, day, side="right")) - 1

    def is_open(self, day: int) -> Flags:
        """Which hubs are open on ``day``."""
        return self._epoch(day).is_open

    def is_valid(self, day: int) -> npt.NDArray[np.bool_]:
        """[H, H] which lanes are valid on ``day``."""
        return self._epoch(day).is_valid

    def depot_of_area(self, day: int) -> Integers:
        """The depot that serves each area on ``day``."""
        return self._epoch(day).depot_of_area

    def next_hub(self, day: int) -> Integers:
        """[at, final depot] the next hub of the planned way; -1 at the end, or where the end is no depot."""
        return self._epoch(day).routes.next_hub

    def alternate_hub(self, day: int) -> Integers:
        """[at, final depot] the next hub of the second-best way; -1 where there is none."""
        return self._epoch(day).routes.alternate_hub

    def planned_days(self, day: int) -> Floats:
        """[from, final depot] local days from the evening's departure to the arrival at the depot; NaN where the end is no depot."""
        return self._epoch(day).routes.planned_days

    def step(self, today: Today) -> None:
        """Write the rows of ``hubs`` and ``lanes`` that begin or end today."""
        day = today.number
        self._export_hubs(np.flatnonzero((self.opened_day == day) & (self.closed_day > day)), today)
        self._export_hubs(np.flatnonzero((self.closed_day == day) & (self.opened_day < day)), today)
        if day in self._changes:
            now = self.is_valid(day)
            before = self.is_valid(day - 1) if day else np.zeros_like(now)
            self._export_lanes(now & ~before, np.full(now.shape, day), today, is_end=False)
            self._export_lanes(before & ~now, self._valid_since(day - 1), today, is_end=True)

    def _valid_since(self, day: int) -> Integers:
        """[H, H] the first day of the interval that holds ``day``."""
        since = np.zeros(self._great_circle.shape, dtype=np.int64)
        running = np.zeros(since.shape, dtype=bool)
        for epoch in self._epochs[: self.epoch_number(day) + 1]:
            since = np.where(epoch.is_valid & ~running, epoch.first_day, since)
            running = epoch.is_valid
        return since

    def _export_hubs(self, rows: Integers, today: Today) -> None:
        starts = np.array([self._surroundings.days.start(int(day)) for day in self.opened_day[rows]], dtype=np.int64)
        closed = np.where(self.closed_day[rows] <= today.number, today.start, NEVER)
        table = {
            "hub_id": columns.words(rows, self.hub_ids),
            "level": columns.words(self.level[rows], LEVELS),
            "parent_hub_id": columns.words(self.parent[rows], self.hub_ids),
            "postal_area_id": columns.words(self.hub_area[rows], self._geography.area_ids),
            "city": columns.words(self.hub_city[rows], self._geography.city_names),
            "state": columns.words(self.hub_state[rows], self._geography.states),
            "lat": columns.floats(self.hub_lat[rows]),
            "lng": columns.floats(self.hub_lng[rows]),
            "opened_at": columns.instants(starts),
            "closed_at": columns.instants(closed),
        }
        self._surroundings.exports.append("hubs", np.full(len(rows), today.start, dtype=np.int64), table)

    def _export_lanes(self, which: npt.NDArray[np.bool_], since: Integers, today: Today, *, is_end: bool) -> None:
        origin, destination = np.nonzero(which)
        starts = np.array([self._surroundings.days.start(int(day)) for day in since[origin, destination]], dtype=np.int64)
        names = [f"{self.hub_ids[a]}-{self.hub_ids[b]}" for a, b in zip(origin, destination, strict=True)]
        table = {
            "lane_id": columns.words(np.arange(len(names)), names),
            "valid_from_at": columns.instants(starts),
            "valid_until_at": columns.instants(np.full(len(names), today.start if is_end else NEVER, dtype=np.int64)),
            "origin_hub_id": columns.words(origin, self.hub_ids),
            "destination_hub_id": columns.words(destination, self.hub_ids),
            "distance_km": columns.floats(self.distance_km[origin, destination]),
            "planned_minutes": columns.floats(self.planned_minutes[origin, destination]),
        }
        self._surroundings.exports.append("lanes", np.full(len(names), today.start, dtype=np.int64), table)

    def arrays(self) -> Arrays:
        """Nothing."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Nothing to take."""
