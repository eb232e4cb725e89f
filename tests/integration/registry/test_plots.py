"""Plots are drawn from plain tables and leave out what does not count."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tradewind_lifecycle import plots

AT = dt.datetime(2018, 4, 1, tzinfo=dt.UTC)


def _predictions(**columns: Any) -> pa.Table:
    given = {
        "ordered_at": pa.array([AT + dt.timedelta(hours=h) for h in range(120)], pa.timestamp("us", "UTC")),
        "destination_state": ["SP", "RJ", None] * 40,
        "p10_days": np.full(120, 5.0),
        "p50_days": np.full(120, 8.0),
        "p90_days": np.full(120, 14.0),
        "actual_days": np.linspace(4.0, 16.0, 120),
        "weight": np.ones(120),
    }
    return pa.table({**given, **columns})


def test_means_by_key_leave_out_rows_without_weight_and_keys_with_few_rows() -> None:
    keys = np.array(["a", "a", "a", "b", "b", "c"])
    values = np.array([1.0, 3.0, 99.0, 5.0, np.nan, 7.0])
    weight = np.array([1.0, 3.0, 0.0, 1.0, 1.0, 1.0])
    names, means, rows = plots.means_by_key(keys, values, weight, 1)
    assert (names.tolist(), means.tolist(), rows.tolist()) == (["a", "b", "c"], [2.5, 5.0, 7.0], [2, 1, 1])
    assert plots.means_by_key(keys, values, weight, 2)[0].tolist() == ["a"]


def test_all_plots_are_written_with_titles_and_units(tmp_path: Path) -> None:
    predictions = _predictions(lane_median_days=np.full(120, 9.0))
    paths = plots.write_plots(predictions, {"request:distance_km": 0.7, "merchant:x": 0.3}, tmp_path / "report", "eta@7")
    assert sorted(paths) == ["calibration", "error_by_day", "error_by_state", "importance"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths.values())
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == sorted(path.name for path in paths.values())
    for figure in (
        plots.calibration(predictions, "eta@7"),
        plots.error_by_day(predictions, "eta@7"),
        plots.error_by_state(predictions, "eta@7"),
    ):
        assert figure.get_suptitle().startswith("eta@7: ")
        assert all(axes.get_ylabel() or axes.get_yticklabels() for axes in figure.axes)
        assert figure.axes[-1].get_xlabel()


def test_a_state_that_nothing_arrived_in_and_an_empty_table_are_still_drawn() -> None:
    nothing_known = _predictions(actual_days=pa.nulls(120, pa.float64()))
    for table in (nothing_known, nothing_known.slice(0, 0)):
        for draw in (plots.calibration, plots.error_by_day, plots.error_by_state):
            draw(table, "eta@7").draw_without_rendering()


def test_baselines_are_drawn_beside_the_model() -> None:
    figure = plots.error_by_day(_predictions(promise_days=np.full(120, 30.0)), "eta@7")
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert set(lines) == {"model (p50)", "promise"}
    assert min(lines["promise"].get_ydata()) > max(lines["model (p50)"].get_ydata())


def test_a_day_that_is_largely_under_way_has_no_mean_and_weights_of_the_span_do_not_bend_the_others() -> None:
    actual = [10.0] * 24 + [9.0, *[5.0] * 95]
    under_way = np.arange(120) >= 96 + 20
    figure = plots.error_by_day(
        _predictions(actual_days=pa.array(actual, mask=under_way), weight=np.where(np.arange(120) == 24, 20.0, 1.0)), "eta@7"
    )
    errors = figure.axes[0].get_lines()[0].get_ydata()
    np.testing.assert_allclose(errors, [2.0, (1.0 + 23 * 3.0) / 24, 3.0, 3.0])


def test_states_with_few_parcels_are_drawn_as_one() -> None:
    states = ["SP"] * 60 + ["RJ"] * 50 + ["AC"] * 6 + ["RR"] * 4
    axes = plots.error_by_state(_predictions(destination_state=states), "eta@7").axes[0]
    assert sorted(label.get_text() for label in axes.get_yticklabels()) == ["2 others  (n = 10)", "RJ  (n = 50)", "SP  (n = 60)"]
