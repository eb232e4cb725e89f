"""Staffing: how many people work where today, and so what each site can do. It closes the loop from volume to congestion.

Sites are the fulfilment centres (pick, pack) and the floor of every hub (sort; local depots also deliver). The plan of a day is
made of what is known at its start: the volume of the last two weeks by day of week, and the backlog. Hiring follows with a lag, people
start slowly, some stay away. So an ordinary week has short queues and a campaign builds backlogs that take days to work off.
"""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tradewind_simulator import columns
from tradewind_simulator.days import HOUR, NEVER
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Flags, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.places.geography import Geography
from tradewind_simulator.mechanisms.places.network import Network
from tradewind_simulator.mechanisms.transport.posts import DELIVER, PACK, PICK, SORT, TASKS, Posts, make_posts
from tradewind_simulator.mechanisms.transport.shifts import Attendance, Roster, ShiftsParameters
from tradewind_simulator.mechanisms.transport.visits import visits
from tradewind_simulator.streams import Floats, Integers

_RECORDED = 0
_DAYS_A_WEEK, _DAYS_OUT = 7, 6
_HOURS = 24


class StaffingParameters(BaseModel):
    """How work is planned. Rates are per person and hour at full speed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shifts: ShiftsParameters = ShiftsParameters()
    fulfilment_centres: int = Field(default=5, ge=1, le=20, description="Fulfilment centres, at the largest hubs (chosen).")
    fulfilled_share: float = Field(
        default=0.15, ge=0, le=1, description="Share of parcels from fulfilment centres that the opening plan expects (chosen)."
    )
    parcels_per_order: float = Field(
        default=1.02, ge=1, le=5, description="Parcels per order that the opening plan expects (Olist: 1.02 merchants per order)."
    )
    pick_per_hour: float = Field(
        default=40.0, gt=0, description="Parcels picked (chosen: within the usual range of person-to-goods picking)."
    )
    pack_per_hour: float = Field(default=30.0, gt=0, description="Parcels packed (chosen).")
    sort_per_hour: float = Field(default=45.0, gt=0, description="Parcels unloaded, sorted and loaded by hand (chosen).")
    stops_per_hour: float = Field(default=9.0, gt=0, description="Stops of a courier (chosen: 60 to 90 a day are usual in towns).")
    target_utilisation: float = Field(
        default=0.8, gt=0, le=1, description="Expected volume over planned capacity (chosen: ordinary weeks at 0.75–0.85)."
    )
    safety_sd: float = Field(
        default=1.0, ge=0, le=5, description="Extra planned capacity in standard deviations of a Poisson day (chosen)."
    )
    smoothing_days: int = Field(default=14, ge=1, le=60, description="Days whose mean volume the plan follows (issue 3: two weeks).")
    recovery_days: float = Field(default=3.0, gt=0, le=30, description="Days in which the plan wants to work off a backlog (chosen).")
    surge_most: float = Field(
        default=1.1, ge=1, le=5, description="Most that is planned, over the plan without backlog (chosen: room and people end)."
    )
    shift_hours: float = Field(default=8.0, gt=0, le=12, description="Hours of a full shift (44-hour week: CLT art. 58, CF art. 7 XIII).")
    hours_least: float = Field(
        default=0.5, gt=0, le=12, description="Hours of the shortest shift (chosen: small floors share their people)."
    )
    hours_most: float = Field(default=10.0, gt=0, le=12, description="Hours with overtime (CLT art. 59: two hours more).")
    rest_day_share: float = Field(
        default=0.6, gt=0, le=1, description="Share of the roster that can be planned on Sundays and holidays (chosen)."
    )
    least_people: int = Field(default=1, ge=1, le=100, description="People at every open post (chosen: no floor without anybody).")
    least_couriers: int = Field(default=1, ge=1, le=100, description="Couriers at every depot on workdays (chosen).")
    hiring_lag_days: int = Field(default=10, ge=1, le=60, description="Days for which a need must last before the roster follows (chosen).")
    growth_daily: float = Field(default=0.03, gt=0, le=1, description="Most that a roster grows or shrinks in a day, as a share (chosen).")
    sort_opens_hour: int = Field(default=6, ge=0, le=22, description="Local hour at which floors begin (chosen).")
    sort_closes_hour: int = Field(default=23, ge=1, le=23, description="Local hour at which floors end; lorries leave after it (chosen).")

    @model_validator(mode="after")
    def _possible(self) -> "StaffingParameters":
        if self.least_couriers > self.least_people:
            raise ValueError("least_couriers is more than least_people: there can't be more couriers than people")
        if not self.hours_least <= self.shift_hours <= self.hours_most:
            raise ValueError("hours_least <= shift_hours <= hours_most does not hold")
        if self.sort_opens_hour >= self.sort_closes_hour:
            raise ValueError("sort_opens_hour must come before sort_closes_hour: the floor would have no capacity")
        return self


class Staffing:
    """People and capacity of all sites. Call ``plan`` at the day's start, ``record`` after each kind of work, ``close`` at its end."""

    def __init__(self, parameters: StaffingParameters, surroundings: Surroundings, geography: Geography, network: Network) -> None:
        self.parameters = parameters
        self._surroundings, self._geography, self._network = surroundings, geography, network
        self._stream = surroundings.streams.stream("staffing")
        self.warehouse_hub = _largest_hubs(network, geography, parameters.fulfilment_centres)
        self.warehouse_area: Integers = network.hub_area[self.warehouse_hub]
        self.posts: Posts = make_posts(self.warehouse_hub, network.level, network.hub_state)
        self._site_ids = tuple(f"W{site + 1:03d}" for site in range(self.posts.sites))
        self.warehouse_ids = self._site_ids[: len(self.warehouse_hub)]
        self.roster = Roster(parameters.shifts, surroundings.streams.stream("shifts"), self.posts.key)
        p = parameters
        self._rate = np.array([p.pick_per_hour, p.pack_per_hour, p.sort_per_hour, p.stops_per_hour])[self.posts.task]
        count = len(self.posts.task)
        self._units = np.zeros((p.smoothing_days, count))
        self._targets = np.zeros((p.hiring_lag_days, count), dtype=np.int64)
        self._opening = np.zeros(count)
        self._weekdays = np.ones((len(TASKS), _DAYS_A_WEEK))
        self._backlog = np.zeros(count, dtype=np.int64)
        self._start_day(count, len(network.hub_ids))

    def _start_day(self, count: int, hubs: int) -> None:
        """What is known of today only: nothing yet."""
        self._arrived, self._done = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        self.planned, self.hours = np.zeros(count, dtype=np.int64), np.zeros(count)
        self.capacity, self._absence = np.zeros(count), np.zeros(count)
        self.present = Attendance(np.zeros(count, dtype=np.int64), np.zeros(count), np.full(count, np.nan))
        self.courier_capacity, self.couriers = np.zeros(hubs, dtype=np.int64), np.zeros(hubs, dtype=np.int64)
        self.fulfilment_capacity = np.zeros(len(self.warehouse_hub), dtype=np.int64)
        self.sort_cumulative = np.zeros((hubs, _HOURS + 1))

    def plan(self, today: Today) -> None:
        """Decide today's people and capacity from what is known at its start; open and close sites."""
        self._start_day(len(self.posts.task), len(self._network.hub_ids))
        is_open = self._open_posts(today)
        rest = ~today.is_workday[self.posts.state]
        ordinary, wanted = self._wanted(today)
        factor = self._surroundings.interventions.factor("staffing", today.date)
        person_hours = wanted * factor / self._rate
        least = np.where(is_open, self._least, 0)
        available = np.where(rest, np.ceil(self.roster.count * self.parameters.rest_day_share).astype(np.int64), self.roster.count)
        people = np.ceil(person_hours / self.parameters.shift_hours).astype(np.int64)
        self.planned = np.where(is_open, np.clip(people, least, np.maximum(available, least)), 0)
        self.planned[rest & (self.posts.task == DELIVER)] = 0
        self._come(today, person_hours, np.minimum(least, self.planned))
        self._targets[today.number % self.parameters.hiring_lag_days] = self._target(ordinary * factor, is_open)

    @property
    def _least(self) -> Integers:
        p = self.parameters
        return np.where(self.posts.task == DELIVER, p.least_couriers, p.least_people).astype(np.int64)

    def _wanted(self, today: Today) -> tuple[Floats, Floats]:
        """Units that an ordinary day is planned for, and that today is, by post."""
        p, posts = self.parameters, self.posts
        mean = self._units.mean(axis=0)
        if today.number < 2 * p.smoothing_days:
            mean = np.maximum(mean, self._opening)
        mean = np.where(posts.task == DELIVER, mean * (_DAYS_A_WEEK / _DAYS_OUT), mean)
        usual = np.where(posts.task == DELIVER, 1.5, 0.1) * mean
        factor = np.where(posts.task == DELIVER, 1.0, self._weekdays[posts.task, today.weekday])
        excess = np.maximum(self._backlog - usual, 0.0) / p.recovery_days
        ordinary = mean / p.target_utilisation + p.safety_sd * np.sqrt(mean)
        volume = mean * factor / p.target_utilisation + p.safety_sd * np.sqrt(mean)
        ceiling = p.surge_most * ordinary
        return np.minimum(ordinary + excess, ceiling), np.minimum(volume + excess, np.maximum(ceiling, volume))

    def _come(self, today: Today, person_hours: Floats, least: Integers) -> None:
        """Who comes, for how long (whoever is slow, or stands in for others, stays longer), and what they can do."""
        p, posts = self.parameters, self.posts
        s = p.shifts
        factor = (s.absence_monday if today.weekday == 0 else 1.0) * (s.absence_campaign if today.campaign else 1.0)
        self._absence = np.full(len(posts.task), s.absence * factor)
        self.present = self.roster.attend(self.planned, self._absence, least, today.number)
        people = self.present.people
        self.hours = np.where(people > 0, np.clip(person_hours / np.maximum(self.present.speed, 1e-3), p.hours_least, p.hours_most), 0.0)
        self.capacity = self.present.speed * self.hours * self._rate
        whole = np.where(people > 0, np.maximum(self.capacity.astype(np.int64), 1), 0)
        hub_of = posts.hub
        sort, deliver = posts.task == SORT, posts.task == DELIVER
        self.courier_capacity[hub_of[deliver]] = whole[deliver]
        self.couriers[hub_of[deliver]] = people[deliver]
        self.fulfilment_capacity = np.minimum(whole[posts.task == PICK], whole[posts.task == PACK])
        shape = np.clip((np.arange(_HOURS + 1) - p.sort_opens_hour) / (p.sort_closes_hour - p.sort_opens_hour), 0.0, 1.0)
        self.sort_cumulative[hub_of[sort]] = np.where(people > 0, np.maximum(self.capacity, 1.0), 0.0)[sort][:, None] * shape

    def _target(self, ordinary: Floats, is_open: Flags) -> Integers:
        """People that the roster should have, were today's need to last."""
        p = self.parameters
        wanted = np.ceil(ordinary / (self._rate * p.shift_hours) * (1.0 + p.shifts.absence)).astype(np.int64)
        return np.where(is_open, np.maximum(wanted, self._least), 0)

    def record(self, task: str, arrived: Integers, done: Integers, backlog: Integers) -> None:
        """What came in, was done and is left of ``task`` today: by fulfilment centre (pick, pack) or by hub (sort, deliver).

        Raises:
            ValueError: the backlog is not yesterday's plus what arrived less what was done.
        """
        mine = np.flatnonzero(self.posts.task == TASKS.index(task))
        places = self.posts.site[mine] if task in TASKS[:SORT] else self.posts.hub[mine]
        expected = self._backlog[mine] + arrived[places] - done[places]
        if not np.array_equal(expected, backlog[places]):
            site = self._site_ids[int(self.posts.site[mine][np.flatnonzero(expected != backlog[places])[0]])]
            raise ValueError(f"{task} at {site}: the backlog is not yesterday's + arrived - done")
        self._arrived[mine], self._done[mine], self._backlog[mine] = arrived[places], done[places], backlog[places]

    def close(self, today: Today) -> None:
        """Write the day's shifts, and let rosters follow."""
        p, day = self.parameters, today.number
        self._write(today)
        self._units[day % p.smoothing_days] = self._arrived
        self._learn_weekday(today)
        if day >= p.hiring_lag_days:
            self._hire(day)

    def _hire(self, day: int) -> None:
        """Rosters follow what was needed all the time, slowly: up to the least, down to the most of the last days' needs."""
        count, least, most = self.roster.count, self._targets.min(axis=0), self._targets.max(axis=0)
        step = np.maximum(np.ceil(self.parameters.growth_daily * count).astype(np.int64), 1)
        grown = np.where(least > count, np.minimum(least, count + step), count)
        self.roster.resize(np.where((most < count) & (count > 0), np.maximum(most, count - step), grown), day)

    def _learn_weekday(self, today: Today) -> None:
        """The volume of each weekday over the mean, by task, all sites together; it moves a fifth of the way a week."""
        if today.number < self.parameters.smoothing_days:
            return
        for task in range(len(TASKS)):
            mine = self.posts.task == task
            mean = float(self._units[:, mine].sum()) / len(self._units)
            if mean > 0:
                ratio = float(self._arrived[mine].sum()) / mean
                self._weekdays[task, today.weekday] += 0.2 * (min(max(ratio, 0.3), 2.0) - self._weekdays[task, today.weekday])

    def _open_posts(self, today: Today) -> Flags:
        """Which posts are open today; opens and closes sites."""
        posts, hubs_open = self.posts, self._network.is_open(today.number)
        is_open = (posts.site < len(self.warehouse_hub)) | hubs_open[posts.hub]
        starts, ends = is_open & (self.roster.count == 0), ~is_open & (self.roster.count > 0)
        if starts.any():
            self._open(np.flatnonzero(starts), today)
        if ends.any():
            self.roster.resize(np.where(ends, 0, self.roster.count), today.number)
        changed = posts.site[starts | ends]
        if len(changed):
            self._write_warehouses(np.unique(changed), today)
        return is_open

    def _open(self, starts: Integers, today: Today) -> None:
        """Staff posts for the volume that the route plan promises them."""
        expected = self._expected(today)[starts]
        self._units[:, starts] = expected
        if today.number == 0:
            self._opening[starts] = expected
        ordinary, _ = self._wanted(today)
        target = self._target(ordinary, np.ones(len(self.posts.task), dtype=bool))
        self._targets[:, starts] = target[starts]
        self.roster.open(starts, target[starts], today.number)

    def _expected(self, today: Today) -> Floats:
        """Units a day by post by the route plan."""
        p, posts = self.parameters, self.posts
        deliver = posts.task == DELIVER
        parcels = self._surroundings.orders_per_day * p.parcels_per_order
        if today.number > 0:
            parcels = float(self._units[:, deliver].sum()) / p.smoothing_days
        depot = self._network.depot_of_area(today.number)
        geography, hubs = self._geography, len(self._network.hub_ids)
        share = np.bincount(depot, weights=geography.area_weight, minlength=hubs).astype(np.float64)
        origin = np.bincount(depot, weights=geography.origin_weight, minlength=hubs).astype(np.float64)
        passed = visits(self._network.next_hub(today.number), origin, share)
        fulfilled = p.fulfilled_share / len(self.warehouse_hub)
        by_task = np.where(posts.task == SORT, passed[posts.hub], np.where(deliver, share[posts.hub], fulfilled))
        return np.asarray(by_task * parcels)

    def _write_warehouses(self, sites: Integers, today: Today) -> None:
        network, centres = self._network, len(self.warehouse_hub)
        hub = np.where(sites < centres, self.warehouse_hub[np.minimum(sites, centres - 1)], sites - centres)
        days = self._surroundings.days
        opened = np.array([days.start(int(day)) for day in network.opened_day[hub]], dtype=np.int64)
        is_closed = (sites >= centres) & (network.closed_day[hub] <= today.number)
        closed = np.where(is_closed, today.start, NEVER)
        self._surroundings.exports.append(
            "warehouses",
            np.full(len(sites), today.start),
            {
                "warehouse_id": columns.words(sites, self._site_ids),
                "kind": columns.words((sites >= centres).astype(np.int64), ("fulfilment", "hub")),
                "hub_id": columns.words(hub, network.hub_ids),
                "postal_area_id": columns.words(network.hub_area[hub], self._geography.area_ids),
                "state": columns.words(network.hub_state[hub], self._geography.states),
                "opened_at": columns.instants(opened),
                "closed_at": columns.instants(closed),
            },
        )

    def _write(self, today: Today) -> None:
        """Rows of shifts_daily and of truth's shifts: posts that are open or have something left."""
        posts = self.posts
        rows = np.flatnonzero((self.roster.count > 0) | (self._arrived > 0) | (self._done > 0) | (self._backlog > 0))
        late = self._stream.uniform(posts.key[rows], today.number, slot=_RECORDED)
        recorded = today.end + HOUR + (late * 5 * HOUR).astype(np.int64)
        key = {
            "warehouse_id": columns.words(posts.site[rows], self._site_ids),
            "task": columns.words(posts.task[rows], TASKS),
            "date": columns.dates(np.full(len(rows), self._surroundings.days.utc_day(today.number))),
        }
        people = self.present.people[rows]
        seen = {
            "planned_people_count": columns.integers(self.planned[rows]),
            "present_people_count": columns.integers(people),
            "worked_hours": columns.floats(np.round(people * self.hours[rows], 2)),
            "tenure_days_mean": columns.floats(np.round(self.present.tenure_days[rows], 2)),
            "arrived_units_count": columns.integers(self._arrived[rows]),
            "done_units_count": columns.integers(self._done[rows]),
            "backlog_units_count": columns.integers(self._backlog[rows]),
            "recorded_at": columns.instants(recorded),
        }
        self._surroundings.exports.append("shifts_daily", recorded, {**key, **seen})
        speed = np.where(people > 0, self.present.speed[rows] / np.maximum(people, 1), np.nan)
        hidden = {
            "units_per_hour_mean": columns.floats(speed * self._rate[rows]),
            "absence_probability": columns.floats(self._absence[rows]),
            "capacity_units": columns.floats(self.capacity[rows]),
            "roster_people_count": columns.integers(self.roster.count[rows]),
        }
        self._surroundings.truth.append("shifts", {**key, **hidden})

    def arrays(self) -> Arrays:
        """What it carries from day to day."""
        own: Arrays = {
            "units": self._units.copy(),
            "targets": self._targets.copy(),
            "opening": self._opening.copy(),
            "weekdays": self._weekdays.copy(),
            "backlog": self._backlog.copy(),
        }
        return {**own, **{f"roster.{name}": values for name, values in self.roster.arrays().items()}}

    def restore(self, arrays: Arrays) -> None:
        """Go on from a checkpoint."""
        self._units, self._targets = arrays["units"].copy(), arrays["targets"].copy()
        self._opening, self._weekdays = arrays["opening"].copy(), arrays["weekdays"].copy()
        self._backlog = arrays["backlog"].copy()
        self.roster.restore(arrays, "roster.")


def _largest_hubs(network: Network, geography: Geography, count: int) -> Integers:
    """Hubs for the fulfilment centres: national ones first, then regional ones by the demand of their state; open from the start."""
    by_state = np.bincount(geography.area_state, weights=geography.area_weight, minlength=len(geography.states))
    candidates = np.flatnonzero((network.opened_day <= 0) & (network.level <= 1))
    order = np.lexsort((candidates, -by_state[network.hub_state[candidates]], network.level[candidates]))
    return candidates[order][:count].astype(np.int64)
