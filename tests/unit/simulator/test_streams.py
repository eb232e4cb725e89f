"""Draws are keyed by what they are for: order, company and count of other draws do not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_simulator.streams import Streams

NUMBERS = np.arange(1, 20_001)


def test_an_entitys_draw_does_not_depend_on_who_else_is_drawn_for() -> None:
    stream = Streams(7).stream("demand")
    together = stream.uniform(NUMBERS, 12, slot=3)
    alone = np.array([stream.uniform(np.array([number]), 12, slot=3)[0] for number in NUMBERS[:50]])
    assert np.array_equal(together[:50], alone)
    assert np.array_equal(stream.uniform(NUMBERS[::-1], 12, slot=3), together[::-1])


@given(st.integers(0, 2**59), st.integers(0, 10_000), st.integers(0, 50))
def test_a_number_draws_the_same_alone_and_in_an_array(number: int, day: int, slot: int) -> None:
    stream = Streams(7).stream("legs")
    assert (
        stream.uniform(np.array([number]), np.array([day]), slot=slot)
        == stream.uniform(np.array([number, 5]), np.array([day, 9]), slot=slot)[0]
    )


@pytest.mark.parametrize("other", [{"seed": 8}, {"name": "other"}, {"slot": 1}, {"key": 13}])
def test_seed_name_slot_and_key_each_give_other_draws(other: dict[str, object]) -> None:
    def draw(seed: int = 7, name: str = "demand", slot: int = 0, key: int = 12) -> np.ndarray:
        return Streams(seed).stream(name).uniform(NUMBERS, key, slot=slot)

    assert abs(np.corrcoef(draw(), draw(**other))[0, 1]) < 0.03  # type: ignore[arg-type]


def test_uniform_draws_are_uniform_and_neighbours_are_unrelated() -> None:
    drawn = Streams(1).stream("x").uniform(np.arange(200_000), 5)
    counts, _ = np.histogram(drawn, bins=64, range=(0, 1))
    expected = len(drawn) / 64
    assert ((counts - expected) ** 2 / expected).sum() < 110  # χ² with 63 degrees of freedom: 99.98 % lie below
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.01
    assert drawn.min() > 0
    assert drawn.max() < 1


@pytest.mark.parametrize("mean", [0.02, 0.4, 3.0, 80.0])
def test_poisson_has_its_mean_and_variance(mean: float) -> None:
    drawn = Streams(1).stream("x").poisson(mean, np.arange(200_000))
    assert drawn.mean() == pytest.approx(mean, rel=0.03)
    assert drawn.var() == pytest.approx(mean, rel=0.03)


def test_a_larger_mean_never_gives_a_smaller_count() -> None:
    stream = Streams(1).stream("x")
    means = np.linspace(0, 12, 60)
    drawn = np.array([stream.poisson(mean, NUMBERS[:500]) for mean in means])
    assert (np.diff(drawn, axis=0) >= 0).all()
    assert (drawn[0] == 0).all()


def test_choices_follow_their_weights() -> None:
    drawn = Streams(1).stream("x").choice(np.cumsum([1.0, 0.0, 3.0]), np.arange(100_000))
    assert np.bincount(drawn, minlength=3) / 1000 == pytest.approx([25, 0, 75], abs=0.5)
