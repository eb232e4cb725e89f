"""No two places of a world's code draw the same number for the same thing: what they decide would go together by accident."""

import sys
from collections import defaultdict
from pathlib import Path
from types import FrameType

import numpy as np
import numpy.typing as npt
import pytest
from tiny_world import tiny

from tradewind_simulator import simulate, streams

AGAIN = {("demand", "Demand._many", "Demand._many")}
"""Pairs of places of which an entity passes one alone: a count is drawn by one law if its mean is large, by another if it is not."""

Place = tuple[str, int]


def _place(frame: FrameType | None) -> Place:
    while frame is not None and frame.f_code.co_filename == streams.__file__:
        frame = frame.f_back
    assert frame is not None
    return frame.f_code.co_qualname, frame.f_lineno


def test_no_two_call_sites_give_the_same_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, dict[Place, set[int]]] = defaultdict(lambda: defaultdict(set))
    bits = streams.Stream.bits

    def watched(self: streams.Stream, *keys: streams.Key, slot: int = 0) -> npt.NDArray[np.uint64]:
        found = bits(self, *keys, slot=slot)
        drawn[self.name][_place(sys._getframe(1))].update(np.ravel(found)[:2_000].tolist())
        return found

    monkeypatch.setattr(streams.Stream, "bits", watched)
    simulate(tiny(days=10), tmp_path / "world")
    assert sum(len(places) for places in drawn.values()) > 100, "the streams are watched"
    same = [
        (name, one, other)
        for name, places in drawn.items()
        for place, one in enumerate(sorted(places))
        for other in sorted(places)[place + 1 :]
        if not places[one].isdisjoint(places[other]) and (name, one[0], other[0]) not in AGAIN
    ]
    assert not same, "share stream, slot and keys"
