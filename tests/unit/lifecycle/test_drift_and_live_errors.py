"""What moved is found and said, what did not stays quiet at any number of rows; errors are those of the parcels, not of the quick ones."""

import datetime as dt
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tradewind_contracts.errors import SettingsError
from tradewind_lifecycle.monitoring.distances import stability_index, wasserstein
from tradewind_lifecycle.monitoring.drift import drift_of
from tradewind_lifecycle.monitoring.judging import State, findings_of_drift
from tradewind_lifecycle.monitoring.live import live_of
from tradewind_lifecycle.monitoring.over_days import mean_over_days, student_quantile
from tradewind_lifecycle.monitoring.replaying import log_rows
from tradewind_lifecycle.monitoring.shapes import Shapes, reference_shapes
from tradewind_lifecycle.monitoring.watched import Watched
from tradewind_lifecycle.monitoring.watching import Truth, judge_windows
from tradewind_lifecycle.monitoring.windows import Window, newest_weeks, windows_between
from tradewind_models.eta.monitors import DRIFT_MONITORS, LEAST_ROWS

UTC = dt.UTC
START, END = dt.datetime(2018, 3, 1, tzinfo=UTC), dt.datetime(2018, 3, 31, tzinfo=UTC)
ZONE = "America/Sao_Paulo"
INPUTS = [f"input_{number}" for number in range(35)]


def inputs(seed: int, rows: int, start: dt.datetime, days: float, shift: float = 0.0, unknown: float = 0.1) -> pa.Table:
    """Rows with 35 independent inputs, one text and one view's age; ``shift`` moves the first input, ``unknown`` is its share of nulls."""
    source = np.random.default_rng(seed)
    at = [start + dt.timedelta(days=float(day)) for day in np.sort(source.random(rows)) * days]
    columns: dict[str, Any] = {"event_timestamp": pa.array(at, pa.timestamp("us", "UTC"))}
    for name in INPUTS:
        columns[name] = pa.array(source.lognormal(size=rows) + (shift * 2.2 if name == INPUTS[0] else 0.0))
    columns[INPUTS[0]] = pa.array(columns[INPUTS[0]].to_numpy(), mask=source.random(rows) < unknown)
    columns["state"] = pa.array(source.choice(["SP", "RJ", "MG"], rows, p=[0.6, 0.3, 0.1]))
    columns["pace__age_hours"] = pa.array(source.random(rows) * 24)
    for name, days_ in (("p10_days", 3.0), ("p50_days", 7.0), ("p90_days", 14.0)):
        columns[name] = pa.array(days_ + source.standard_normal(rows))
    return pa.table(columns)


@pytest.fixture(scope="module")
def shapes() -> Shapes:
    table = pa.concat_tables([inputs(1, 8000, START - dt.timedelta(days=56), 56), inputs(2, 6000, START, 30)])
    rows = table.slice(8000)
    answers = {name: rows[name].to_numpy() for name in ("p10_days", "p50_days", "p90_days")}
    return reference_shapes(table, INPUTS, ["state"], start=START, end=END, answers=answers)


def fired(shapes: Shapes, window: pa.Table) -> set[str]:
    found = findings_of_drift(DRIFT_MONITORS, drift_of(window, shapes), LEAST_ROWS)
    return {finding.monitor for finding in found if finding.state is State.FIRES}


def test_distances_have_their_known_values() -> None:
    points = np.array([0.0, 1.0, 2.0, 3.0])
    assert wasserstein(points, np.array([0.25, 0.5, 0.75, 1.0]), np.array([0.0, 0.25, 0.5, 0.75]), 2.0) == pytest.approx(0.375)
    expected = (0.6 - 0.4) * np.log(0.6 / 0.4) * 2
    assert stability_index(np.array([4e6, 6e6]), np.array([6e6, 4e6])) == pytest.approx(expected, rel=1e-5)
    assert [student_quantile(n, 0.975) for n in (3, 6, 29)] == pytest.approx([3.182, 2.447, 2.045], rel=0.01)


@pytest.mark.parametrize("rows", [100, 400, 3000])
def test_windows_of_the_same_population_stay_quiet_however_few_their_rows(shapes: Shapes, rows: int) -> None:
    windows = [inputs(100 + seed, rows, END, 7) for seed in range(40)]
    assert [fired(shapes, window) for window in windows] == [set()] * 40
    # Noise is cut off at one in a thousand: 40 windows of 36 inputs leave an excess in about 1.4, and 8 would be a law that is wrong.
    excess = sum(item.moved > 0 for window in windows for item in drift_of(window, shapes).inputs)
    assert excess <= 8


def test_a_shift_an_unknown_input_a_stale_view_and_moved_answers_are_each_found_and_named(shapes: Shapes) -> None:
    assert fired(shapes, inputs(7, 500, END, 7, shift=1.0)) == {"inputs_keep_their_shape"}
    assert drift_of(inputs(7, 500, END, 7, shift=1.0), shapes).inputs[0].name == INPUTS[0]
    assert fired(shapes, inputs(7, 500, END, 7, unknown=0.4)) == {"inputs_are_known"}
    calm = inputs(7, 500, END, 7)
    old = calm.set_column(calm.column_names.index("pace__age_hours"), "pace__age_hours", pa.array(np.full(500, 60.0)))
    assert fired(shapes, old) == {"features_are_fresh"}
    late = calm.set_column(calm.column_names.index("p50_days"), "p50_days", pa.array(calm["p50_days"].to_numpy() + 1))
    assert fired(shapes, late) == {"answers_keep_their_shape"}


def test_a_window_with_few_answers_has_nothing_to_judge(shapes: Shapes) -> None:
    found = findings_of_drift(DRIFT_MONITORS, drift_of(inputs(7, 99, END, 7, shift=3.0), shapes), LEAST_ROWS)
    assert {finding.state for finding in found} == {State.NOTHING}


def test_shapes_are_small_plain_json_and_do_not_depend_on_the_order_of_rows(shapes: Shapes) -> None:
    assert len(json.dumps(shapes, allow_nan=False)) < 30_000
    table = inputs(2, 900, START, 30)
    order = np.random.default_rng(0).permutation(900)
    once, again = (reference_shapes(rows, INPUTS, ["state"], start=START, end=END) for rows in (table, table.take(order)))
    assert once == again


def test_the_interval_over_days_covers_the_truth_though_rows_of_a_day_go_together() -> None:
    source, covered = np.random.default_rng(3), 0
    for _ in range(400):
        day = np.repeat(np.arange(7), 60)
        found = mean_over_days(source.standard_normal(420) + source.standard_normal(7)[day], np.ones(420), day.astype(float))
        covered += found.low <= 0 <= found.value + found.half
    assert 0.92 <= covered / 400 <= 0.98


def parcels(rows: int, known_after_days: float) -> tuple[pa.Table, pa.Table, dt.datetime]:
    """Answers (2, 8, 14 days) and labels of parcels that took 1 to 20 days, as known so long after the week."""
    source = np.random.default_rng(5)
    ordered = [START + dt.timedelta(days=float(day)) for day in source.random(rows) * 7]
    took = source.uniform(1, 20, rows)
    now = START + dt.timedelta(days=7 + known_after_days)
    seen = [at + dt.timedelta(days=float(days)) < now for at, days in zip(ordered, took, strict=True)]
    stamps = pa.array(ordered, pa.timestamp("us", "UTC"))
    shared = {"order_id": [f"o{n}" for n in range(rows)], "merchant_id": ["m"] * rows, "event_timestamp": stamps}
    labels = pa.table({**shared, "duration_days": pa.array(took, mask=~np.array(seen))})
    answers = {name: pa.array(np.full(rows, days)) for name, days in (("p10_days", 2.0), ("p50_days", 8.0), ("p90_days", 14.0))}
    log = pa.table({**shared, **answers, "shipment": [f"o{n}:m" for n in range(rows)]})
    return log, labels, now


def test_live_errors_stand_for_parcels_under_way_too() -> None:
    log, labels, now = parcels(4000, known_after_days=15)
    found = live_of(log, labels, None, now)
    assert found.delivered + found.under_way == 4000
    assert found.under_way > 200
    assert found.mean_days == pytest.approx(10.5, abs=0.4)
    delivered_only = float(np.nanmean(labels["duration_days"].to_numpy()))
    assert delivered_only < 9.9
    assert found.overdue == pytest.approx(6 / 19, abs=0.03)
    assert found.coverage == pytest.approx(12 / 19, abs=0.03)


def test_a_parcel_that_was_asked_about_twice_counts_once_and_an_unknown_one_not_at_all() -> None:
    log, labels, now = parcels(300, known_after_days=40)
    again = log.set_column(log.column_names.index("p50_days"), "p50_days", pa.array(np.full(300, 99.0)))
    later = pa.array([at + dt.timedelta(hours=1) for at in log["event_timestamp"].to_pylist()], pa.timestamp("us", "UTC"))
    again = again.set_column(again.column_names.index("event_timestamp"), "event_timestamp", later)
    once, twice = live_of(log, labels, None, now), live_of(pa.concat_tables([again, log]), labels, None, now)
    assert (twice.parcels, twice.mae_days) == (once.parcels, once.mae_days)
    assert live_of(log, labels.slice(0, 100), None, now).parcels == 100


def test_weeks_are_the_same_whoever_asks_when_and_a_span_too_short_is_refused() -> None:
    monday, sunday = (dt.datetime(2018, 6, day, 12, tzinfo=UTC) for day in (4, 10))
    assert newest_weeks(monday, 4, ZONE) == newest_weeks(sunday, 4, ZONE)
    assert newest_weeks(monday, 1, ZONE)[0].dates(ZONE) == ("2018-05-28", "2018-06-03")
    # Summer time began at midnight of 2017-10-15: that local day begins at one.
    assert [window.dates(ZONE)[0] for window in windows_between(*autumn(), ZONE)] == [
        "2017-10-01",
        "2017-10-08",
        "2017-10-15",
        "2017-10-22",
    ]
    with pytest.raises(SettingsError, match="shorter than one window"):
        windows_between(START, START + dt.timedelta(days=3), ZONE)


def autumn() -> tuple[dt.datetime, dt.datetime]:
    return dt.datetime(2017, 10, 1, 3, tzinfo=UTC), dt.datetime(2017, 11, 1, 2, tzinfo=UTC)


def test_where_landing_lags_nothing_is_overdue_or_ripe_that_nobody_could_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Truth, "lanes_at", lambda *_: None)
    _, known, until = parcels(4000, known_after_days=20)
    stamp = pa.timestamp("us", "UTC")
    took = pc.cast(pc.multiply(known["duration_days"], 86_400e6), pa.int64(), safe=False)
    labels = known.append_column("outcome_at", pc.add(known["event_timestamp"], took.cast(pa.duration("us"))))
    labels = labels.append_column("handed_over_at", pa.nulls(4000, stamp)).append_column("promised_at", pa.nulls(4000, stamp))
    labels = labels.append_column("observed_until_at", pa.array([until] * 4000, stamp))
    log = log_rows(labels, np.tile([2.0, 8.0, 14.0], (4000, 1)), [], [])
    watched = Watched(name="eta@1", as_of=START, shapes={}, mae_days=1.0)
    windows = [Window(START, START + dt.timedelta(days=7))]
    (then,), (late,) = (judge_windows(log, watched, windows, Truth(labels), now, ZONE) for now in (until, until + dt.timedelta(days=60)))
    assert then.live.parcels == 4000
    assert late == then, "two months without a landing are no news of parcels"
    assert then.is_news
    (seen,) = judge_windows(log, watched.model_copy(update={"as_of": windows[0].end}), windows, Truth(labels), until, ZONE)
    assert not seen.is_news
