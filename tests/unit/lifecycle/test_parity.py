"""When an online value and its offline derivation count as the same."""

import numpy as np
import pytest

from tradewind_lifecycle.parity import TOLERANCE, difference


def test_equal_numbers_and_equal_absences_do_not_differ():
    found = difference(np.array([1.0, np.nan, 1e6]), np.array([1.0, np.nan, 1e6 * (1 + TOLERANCE / 2)]))
    assert not found.failing.any()
    assert found.reason == ""


@pytest.mark.parametrize(
    ("online", "offline"), [([np.nan, 1.0], [5.0, 1.0]), ([5.0, 1.0], [np.nan, 1.0]), ([5.0, 1.0], [5.0 + 6 * TOLERANCE, 1.0])]
)
def test_a_value_on_one_side_only_or_beyond_the_tolerance_differs(online, offline):
    found = difference(np.array(online), np.array(offline))
    assert found.failing.tolist() == [True, False]
    assert found.reason


def test_text_differs_where_it_is_not_the_same_word():
    found = difference(np.array(["SP", None, "RJ"], dtype=object), np.array(["SP", None, None], dtype=object))
    assert found.failing.tolist() == [False, False, True]
    assert found.reason == "text"
