"""First in, first out, exactly: held against a slow oracle that looks at one parcel after the other."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind_simulator.mechanisms.transport.queues import LEFT, ahead_at_knots, serve

KNOT = 3_600


def offered(line, seconds):
    place = min(max(Fraction(seconds, KNOT), 0), len(line) - 1)
    knot = min(int(place), len(line) - 2)
    return line[knot] + (line[knot + 1] - line[knot]) * (place - knot)


def finished(line, work):
    for knot in range(len(line) - 1):
        if line[knot] < work <= line[knot + 1]:
            seconds = (knot + (work - line[knot]) / (line[knot + 1] - line[knot])) * KNOT
            return -(-seconds.numerator // seconds.denominator)
    return None


def oracle(hub, arrival, number, lines):
    finish = [0] * len(hub)
    through = dict.fromkeys(range(len(lines)), Fraction(0))
    for i in sorted(range(len(hub)), key=lambda i: (arrival[i], number[i])):
        line = lines[hub[i]]
        through[hub[i]] = max(offered(line, arrival[i]), through[hub[i]]) + 1
        finish[i] = finished(line, through[hub[i]])
    return finish


capacities = st.lists(st.integers(0, 12), min_size=4, max_size=4)
parcels = st.lists(st.tuples(st.integers(0, 2), st.integers(-KNOT, 5 * KNOT)), min_size=0, max_size=40)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(capacities, min_size=3, max_size=3), parcels, st.randoms(use_true_random=False))
def test_the_queue_is_what_one_parcel_after_the_other_would_see(hourly, units, random):
    numbers = list(range(len(units)))
    random.shuffle(numbers)
    lines = [[Fraction(0), *(Fraction(sum(row[: k + 1])) for k in range(len(row)))] for row in hourly]
    cumulative = np.array([[float(x) for x in line] for line in lines])
    hub = np.array([h for h, _ in units], dtype=np.int64)
    arrival = np.array([a for _, a in units], dtype=np.int64)
    served = serve(hub, arrival, np.array(numbers, dtype=np.int64), cumulative, KNOT)
    expected = oracle(hub.tolist(), arrival.tolist(), numbers, lines)
    for got, want in zip(served.finish.tolist(), expected, strict=True):
        if want is None:
            assert got == LEFT
        else:
            assert abs(got - want) <= 1, "a second at most: work is rounded to 2^-20 parcels"


def test_no_parcel_leaves_before_one_that_came_earlier_and_none_is_lost():
    rng = np.random.default_rng(1)
    hub, arrival = rng.integers(0, 5, 2_000), rng.integers(-50, 86_400, 2_000)
    cumulative = np.cumsum(np.full((5, 25), 12.0), axis=1) - 12.0
    served = serve(hub, arrival, np.arange(2_000), cumulative, KNOT)
    for h in range(5):
        mine = np.flatnonzero(hub == h)
        turn = mine[np.lexsort((mine, arrival[mine]))]
        done = served.finish[turn] != LEFT
        assert not np.any(~done[:-1] & done[1:]), "who is left is the end of the line"
        assert np.all(np.diff(served.finish[turn][done]) >= 0)
        assert np.all(served.finish[turn][done] > np.maximum(arrival[turn][done], 0))
        assert done.sum() <= 288


def test_what_happens_at_one_hub_changes_nothing_at_another_and_order_does_not_matter():
    rng = np.random.default_rng(2)
    hub, arrival, number = rng.integers(0, 7, 900), rng.integers(0, 86_400, 900), rng.permutation(900)
    cumulative = np.outer(rng.uniform(50, 400, 7), np.linspace(0, 1, 25))
    whole = serve(hub, arrival, number, cumulative, KNOT)
    some = hub != 3
    busy = cumulative.copy()
    busy[3] *= 1_000.37
    np.testing.assert_array_equal(serve(hub[some], arrival[some], number[some], busy, KNOT).finish, whole.finish[some])
    shuffled = rng.permutation(900)
    np.testing.assert_array_equal(
        serve(hub[shuffled], arrival[shuffled], number[shuffled], cumulative, KNOT).finish, whole.finish[shuffled]
    )


def test_more_capacity_never_makes_anyone_wait_longer():
    rng = np.random.default_rng(3)
    hub, arrival = np.zeros(500, dtype=np.int64), rng.integers(0, 86_400, 500)
    line = np.linspace(0, 400, 25)[None, :]
    slow = serve(hub, arrival, np.arange(500), line, KNOT).finish
    fast = serve(hub, arrival, np.arange(500), line * 1.3, KNOT).finish
    both = slow != LEFT
    assert np.all(fast[both] != LEFT)
    assert np.all(fast[both] <= slow[both])
    assert (slow == LEFT).sum() > (fast == LEFT).sum()


def test_units_ahead_at_a_knot_are_those_that_came_and_are_not_through():
    hub = np.array([1, 1, 1, 0])
    arrival = np.array([-5, 0, 7_200, 3_601])
    cumulative = np.outer([2.0, 1.0], np.arange(5.0))
    served = serve(hub, arrival, np.arange(4), cumulative, KNOT)
    ahead = ahead_at_knots(served, hub, arrival, cumulative, KNOT)
    np.testing.assert_allclose(ahead[1], [2.0, 1.0, 1.0, 0.0, 0.0])
    np.testing.assert_allclose(ahead[0], [0.0, 0.0, 1.0 - 1.0 + 2.0 / 3_600, 0.0, 0.0], atol=1e-3)


def test_an_empty_day_is_served():
    nothing = np.zeros(0, dtype=np.int64)
    served = serve(nothing, nothing, nothing, np.zeros((3, 25)), KNOT)
    assert len(served.finish) == 0
    assert not ahead_at_knots(served, nothing, nothing, np.zeros((3, 25)), KNOT).any()
