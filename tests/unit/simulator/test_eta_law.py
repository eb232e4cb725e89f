"""What an oracle could have said: its quantiles hold what they claim, and its error is the one that it tells."""

from types import SimpleNamespace

import numpy as np
import pytest
from network_feed import Feed
from pydantic import ValidationError

from tradewind_simulator.days import DAY, HOUR
from tradewind_simulator.entities import Entities
from tradewind_simulator.eta_law import EtaLaw, EtaLawParameters, law_of
from tradewind_simulator.eta_replicates import World
from tradewind_simulator.mechanisms.delivery.round_history import Out, RoundHistory
from tradewind_simulator.mechanisms.delivery.workdays import Workdays
from tradewind_simulator.streams import Stream

BOUGHT = range(8, 18)


def test_quantiles_and_error_are_those_of_the_draws():
    days = np.random.default_rng(1).exponential(5.0, (4, 33))
    p10, p50, p90, error = law_of(days)
    np.testing.assert_allclose(np.stack([p10, p50, p90]), np.quantile(days, [0.1, 0.5, 0.9], axis=1))
    np.testing.assert_allclose(error, np.abs(days - np.median(days, axis=1)[:, None]).mean(axis=1))


def test_a_parcel_that_goes_back_is_later_than_all_others():
    days = np.tile(np.arange(10.0), (2, 1))
    days[1, :2] = np.inf
    p10, p50, p90, error = law_of(days)
    assert p50[1] == p50[0] + 2
    assert np.isnan(p90[1])
    assert np.isfinite(p90[0])
    np.testing.assert_allclose(error[1], np.abs(np.arange(2, 10) - p50[1]).mean())
    assert np.isfinite(p10).all()


def test_of_a_parcel_that_mostly_goes_back_the_law_has_no_error():
    days = np.tile(np.arange(10.0), (2, 1))
    days[1, 3:] = np.inf
    _, p50, _, error = law_of(days)
    assert np.isfinite(error[0])
    assert np.isnan(p50[1])
    assert np.isnan(error[1])


def test_the_day_of_the_first_round_is_told_by_who_was_left():
    rounds = RoundHistory(2, ready_first, lambda days: days * DAY)
    waiting = empty_depots()
    for day in range(5):
        waiting.keep(np.zeros(len(waiting), dtype=bool))
        if day == 2:
            waiting.add(number=[1, 2], depot=[0, 0], ready_at=[1 * DAY + 500, 1 * DAY + 900], promised_at=9 * DAY, not_before=[2, 2])
        today = SimpleNamespace(number=day, start=day * DAY)
        left = SimpleNamespace(waiting=waiting, pressure=np.array([0.25 * day, 0.0]), load=np.array([0.0, 0.1 * day]))
        rounds.keep(today, left, np.array([3, 0 if day == 3 else 2]))
    ready = np.array([1 * DAY + 400, 1 * DAY + 500, 1 * DAY + 700, 2 * DAY + 100, 2 * DAY + 100, 4 * DAY + 5])
    depot = np.array([0, 0, 0, 0, 1, 0])
    assert rounds.day(ready // DAY + 1, depot, ready, ready * 0 + 9 * DAY).tolist() == [2, 3, 3, 3, 4, 5]
    assert rounds.pressure(np.array([2, 3, 9]), np.array([0, 1, 0])).tolist() == [0.5, 0.0, 1.0]
    np.testing.assert_allclose(rounds.load(np.array([2, 3, 9]), np.array([0, 1, 1])), [0.0, 0.3, 0.4])


def test_an_urgent_parcel_goes_out_before_those_that_were_left():
    rounds = RoundHistory(1, lambda ready, promised, start: ready - DAY * (promised <= start), lambda days: days * DAY)
    waiting = empty_depots()
    waiting.add(number=[1], depot=[0], ready_at=[4 * DAY], promised_at=[30 * DAY], not_before=[5])
    for day in range(6):
        left = waiting if day == 5 else empty_depots()
        rounds.keep(
            SimpleNamespace(number=day, start=day * DAY), SimpleNamespace(waiting=left, pressure=np.zeros(1), load=np.zeros(1)), np.ones(1)
        )
    ready, nowhere = np.full(2, 4 * DAY + 60), np.zeros(2, dtype=np.int64)
    assert rounds.day(nowhere + 5, nowhere, ready, np.array([30, 5]) * DAY).tolist() == [6, 5]


def empty_depots():
    return Entities(depot=np.int64, ready_at=np.int64, promised_at=np.int64, not_before=np.int64)


def ready_first(ready_at, promised_at, start):
    return ready_at


class Network:
    """A world in which all but the network is certain: bought a day before the hand-over, delivered when sorted at the depot."""

    def __init__(self, share=1.0):
        self.feed = Feed(parcels=40)
        feed, self.handed = self.feed, {}
        self.kept = Entities(approved_at=np.int64)
        handling = SimpleNamespace(
            shipments=SimpleNamespace(parcels=SimpleNamespace(entities=self.kept)),
            payments=SimpleNamespace(approved_at=lambda order, at, boleto, replicate=0: at + HOUR),
            dispatch=SimpleNamespace(
                hours=lambda number, *_: number,
                handed_over_at=lambda at, states, number: np.array([self.handed[n] for n in number.tolist()]),
            ),
        )
        workdays, nothing = Workdays(feed.calendar, feed.surroundings.days), np.zeros(0, dtype=np.int64)
        last_mile = SimpleNamespace(
            waiting=empty_depots(),
            pressure=np.zeros(len(feed.network.hub_ids)),
            load=np.zeros(len(feed.network.hub_ids)),
            rounds=SimpleNamespace(turn=ready_first),
            out=Out(nothing, nothing, nothing, nothing, nothing, nothing),
            delivered_at=lambda rest, history: workdays.starts(history.day(rest.earliest, rest.depot, rest.ready_at, rest.promised_at)),
        )
        world = World(
            feed.surroundings.days, workdays, feed.network, handling, feed.transport,
            last_mile, feed.geography.area_state, Stream(1, "replicates"),
        )  # fmt: skip
        self.law = EtaLaw(EtaLawParameters(share=share, replicates=40, horizon_days=50, batch_days=5), feed.surroundings, world)
        self.sellers = SimpleNamespace(entities={"handling_hours": np.ones(1), "handling_sigma": np.ones(1)})
        self.ends = {}

    def day(self, day):
        feed = self.feed
        today = feed.calendar.today(day)
        given = feed.handovers(today) if day in BOUGHT else None
        today, given, arrivals = feed.day(day, 0.0, given)
        count = len(given.number)
        bought = given.handed_over_at - 2 * HOUR
        self.kept.add(number=given.number, approved_at=bought + HOUR)
        self.handed.update(zip(given.number.tolist(), given.handed_over_at.tolist(), strict=True))
        zero = np.zeros(count, dtype=np.int64)
        parcels = SimpleNamespace(
            number=given.number, order=given.number, address=zero, merchant=zero, origin_area=given.origin_area,
            destination_area=given.destination_area, warehouse=zero - 1, promised_at=zero, ordered_at=bought,
        )  # fmt: skip
        out = np.where(feed.network.level == 2, 1, 0)
        self.law.step(today, parcels, self.sellers, out)
        days = feed.surroundings.days
        ready = days.of(arrivals.ready_at) + 1
        for number, ends in zip(arrivals.number.tolist(), [days.start(int(d)) for d in ready], strict=True):
            self.ends[f"x{number}"] = (ends - self.handed[number] + 2 * HOUR) / DAY


@pytest.fixture(scope="module")
def written():
    network = Network()
    rows = []
    for day in range(72):
        network.day(day)
        rows += network.feed.surroundings.truth.kept.get("eta_law", [])
        network.feed.surroundings.truth.kept.clear()
    return network, [row for part in rows for row in part.to_pylist()]


def of(rows, ends, states):
    some = [row for row in rows if row["state"] in states and row["parcel_id"] in ends]
    taken = np.array([ends[row["parcel_id"]] for row in some])
    return taken, {name: np.array([row[name] for row in some]) for name in ("p10_days", "p50_days", "p90_days", "bayes_mae_days")}


@pytest.mark.parametrize("states", [("purchased",), ("picked_up",), ("sorted", "departed")])
def test_quantiles_hold_what_they_claim(written, states):
    taken, law = of(written[1], written[0].ends, states)
    tolerance = 4 / np.sqrt(len(set(written[0].ends)))
    assert abs(np.mean(taken < law["p10_days"] - 0.01) - 0.1) < tolerance
    assert abs(np.mean(taken < law["p90_days"] + 0.01) - 0.9) < tolerance
    below, ties = taken < law["p50_days"] - 0.01, np.abs(taken - law["p50_days"]) <= 0.01
    assert abs(np.mean(below + 0.5 * ties) - 0.5) < tolerance


def test_the_error_that_it_tells_is_the_error_that_it_makes(written):
    for states in (("purchased",), ("arrived",)):
        taken, law = of(written[1], written[0].ends, states)
        assert np.mean(np.abs(taken - law["p50_days"])) == pytest.approx(np.mean(law["bayes_mae_days"]), rel=0.15)


def test_the_error_falls_along_the_way(written):
    rows = [row for row in written[1] if row["parcel_id"] in written[0].ends]
    by_state = {
        state: np.mean([row["bayes_mae_days"] for row in rows if row["state"] == state]) for state in ("purchased", "picked_up", "arrived")
    }
    assert by_state["purchased"] >= by_state["picked_up"] > by_state["arrived"]


def test_every_parcel_handed_over_has_its_states_once_its_horizon_has_passed(written):
    network, rows = written
    assert {row["parcel_id"] for row in rows} == {f"x{number}" for number in network.handed}
    assert sum(row["state"] == "purchased" for row in rows) == len(network.handed)


def test_the_sample_belongs_to_the_parcel_and_a_checkpoint_goes_on(written):
    some, other = Network(share=0.3), Network(share=0.3)
    for day in range(12):
        some.day(day)
    arrays = some.law.arrays()
    other.law.restore(arrays)
    for name, values in other.law.arrays().items():
        np.testing.assert_array_equal(values, arrays[name])
    chosen = arrays["parcels.number"]
    assert 0.15 * len(some.handed) < len(chosen) < 0.45 * len(some.handed)
    assert set(arrays["states.number"].tolist()) == set(chosen.tolist())


@pytest.mark.parametrize("wrong", [{"share": 1.1}, {"replicates": 1}, {"horizon_days": 200}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        EtaLawParameters(**wrong)
