"""Scanners lie at known rates, and the truth says where."""

import numpy as np
import pytest
from network_feed import Feed
from pydantic import ValidationError

from tradewind_simulator.days import HOUR
from tradewind_simulator.mechanisms.transport.scans import (
    DEFECTS,
    DELIVERED,
    EVENTS,
    RETURNED,
    SORTED,
    ScansParameters,
    last_mile_ordinal,
    network_ordinal,
)

COUNT = 20_000


@pytest.fixture(scope="module")
def written():
    feed = Feed(keep_rows=True)
    number = np.arange(COUNT, dtype=np.int64) * 8 + 2**30
    at = feed.surroundings.days.start(3) + np.arange(COUNT, dtype=np.int64)
    feed.scans.record(number, np.zeros(COUNT, dtype=np.int64), SORTED, at, network_ordinal(np.ones(COUNT, dtype=np.int64), SORTED))
    return feed, number, at, feed.rows("scan_events"), feed.truth("scans")


def test_defects_come_at_the_planted_rates(written):
    _, _, _, rows, truth = written
    p = ScansParameters()
    for defect, rate in zip(DEFECTS, (p.missing, p.duplicate, p.clock, p.late), strict=True):
        found = sum(row["defect"] == defect for row in truth) / COUNT
        assert abs(found - rate) < 4 * np.sqrt(rate / COUNT), defect
    missing, twice = (sum(row["defect"] == defect for row in truth) for defect in ("missing", "duplicate"))
    assert len(rows) == COUNT - missing + twice


def test_truth_knows_every_scan_whose_clock_or_upload_is_wrong(written):
    _, number, at, rows, truth = written
    true_at = {f"x{n}": t for n, t in zip(number.tolist(), at.tolist(), strict=True)}
    told = {row["scan_id"]: row["defect"] for row in truth}
    assert len({row["scan_id"] for row in rows}) == len(rows)
    for row in rows:
        moved = row["occurred_at"].timestamp() - true_at[row["parcel_id"]]
        delay = row["recorded_at"].timestamp() - true_at[row["parcel_id"]]
        defect = told.get(row["scan_id"])
        assert (moved != 0) == (defect == "clock")
        assert abs(moved) <= 6 * HOUR
        assert delay > 0, "nothing is recorded before it happens"
        assert (delay >= HOUR) == (defect == "late") or (row["scan_id"] not in told and delay < 86_400)
    for row in truth:
        assert row["occurred_at"].timestamp() == true_at[row["parcel_id"]]


def test_a_second_upload_has_another_id_and_the_same_instant(written):
    _, _, _, rows, truth = written
    by_id = {row["scan_id"]: row for row in rows}
    twice = [row["scan_id"] for row in truth if row["defect"] == "duplicate"]
    assert twice
    for first in twice:
        second = by_id[f"s{int(first[1:]) + 128}"]
        assert second["occurred_at"] == by_id[first]["occurred_at"]
        assert second["recorded_at"] > by_id[first]["recorded_at"]


def test_a_defect_belongs_to_the_scan_whoever_else_is_scanned(written):
    _, number, at, rows, _ = written
    feed = Feed(keep_rows=True)
    some = np.random.default_rng(1).permutation(COUNT)[:500]
    feed.scans.record(number[some], np.zeros(500, dtype=np.int64), SORTED, at[some], network_ordinal(np.ones(500, dtype=np.int64), SORTED))
    ids = {f"x{n}" for n in number[some].tolist()}

    def sort(rows):
        return sorted(rows, key=lambda row: row["scan_id"])

    assert sort(feed.rows("scan_events")) == sort([row for row in rows if row["parcel_id"] in ids])


def test_ordinals_tell_all_scans_of_a_parcel_apart():
    hops, attempts = np.arange(21), np.arange(16)
    network = [network_ordinal(hops, event) for event in range(1, 4)]
    last = [last_mile_ordinal(attempts, event) for event in range(4, 8)]
    everything = np.concatenate(network + last)
    assert len(np.unique(everything)) == len(everything)
    assert everything.max() < 128
    assert EVENTS[DELIVERED] == "delivered"
    assert EVENTS[RETURNED] == "returned"


@pytest.mark.parametrize(
    "wrong", [{"missing": -0.1}, {"late": 0.5, "missing": 0.5, "clock": 0.2}, {"late_hours_least": 20, "late_hours_most": 10}]
)
def test_impossible_rates_are_refused(wrong):
    with pytest.raises(ValidationError):
        ScansParameters(**wrong)
