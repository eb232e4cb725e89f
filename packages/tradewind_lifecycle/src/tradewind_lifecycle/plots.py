"""Plots of a version as PNG: calibration, error by day, error by state, importance. Drawn from plain tables.

A predictions table has one row per scored parcel: ``ordered_at`` (timestamp, UTC), ``destination_state``, ``p10_days``,
``p50_days``, ``p90_days``, ``actual_days`` (null: not known), ``weight`` (0: does not count). Columns that end in
``_days`` besides these (``promise_days``, ``lane_median_days``) are baselines and are drawn beside the model.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, date2num
from matplotlib.figure import Figure

from tradewind_contracts.files import atomic_file
from tradewind_lifecycle.sealing import QUANTILE_COLUMNS, column, observed_levels

LEAST_DAY_ROWS = 20
"""Days with fewer known outcomes are not drawn: chosen, a coverage of fewer moves by more than 5 points a parcel."""
MOST_UNDER_WAY = 0.1
"""Days of which a larger share is still under way have no mean: chosen, of such days only the quick parcels are known."""
LEAST_STATE_ROWS = 20
"""States with fewer known outcomes are drawn as one: chosen, a mean of fewer says little."""
MOST_FEATURES = 20
"""Features in the plot of importance; the card lists all."""
MOST_DATES = 9
"""Dates written below an axis: chosen, more would touch each other."""

_MODEL, _TARGET, _GREY = "#1b6ca8", "#c44e52", "#9aa5b1"
_BASELINES = ("#dd8452", "#8172b3", "#55a868")


def write_plots(predictions: pa.Table, importance: Mapping[str, float], folder: Path, title: str) -> dict[str, Path]:
    """Draw all plots into ``folder``; their paths by name (``calibration``, ``error_by_day``, ``error_by_state``, ``importance``)."""
    figures = {
        "calibration": calibration(predictions, title),
        "error_by_day": error_by_day(predictions, title),
        "error_by_state": error_by_state(predictions, title),
        "importance": feature_importance(importance, title),
    }
    paths = {name: folder / f"{name}.png" for name in figures}
    for name, figure in figures.items():
        with atomic_file(paths[name]) as partial:
            figure.savefig(partial, format="png", dpi=120, metadata={"Software": None})
    return paths


def calibration(predictions: pa.Table, title: str) -> Figure:
    """Left: share of outcomes at or below each quantile against its level. Right: coverage of [p10, p90] by order day (see ``_settled``)."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    figure.suptitle(f"{title}: are the quantiles what they say?")
    observed = observed_levels(predictions)
    points = [(level, observed[str(level)]) for level in QUANTILE_COLUMNS if observed[str(level)] is not None]
    left.plot([0, 1], [0, 1], color=_TARGET, linestyle="--", linewidth=1, label="perfect")
    left.plot([p[0] for p in points], [p[1] for p in points], "o-", color=_MODEL, markersize=8, label="observed")
    for level, share in points:
        beside = {"ha": "left", "xytext": (9, -12)} if level < 0.7 else {"ha": "right", "xytext": (-9, 6)}
        left.annotate(f"{share:.1%}", (level, share or 0), textcoords="offset points", **beside)
    left.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="level of the quantile", ylabel="share of parcels delivered by then", title="All scored parcels"
    )
    left.set_aspect("equal")
    left.legend(loc="upper left", frameon=False)
    _coverage_by_day(right, predictions)
    return figure


def error_by_day(predictions: pa.Table, title: str) -> Figure:
    """Mean absolute error of p50 by order day beside the baselines', and below it the bias and the number of parcels."""
    figure = Figure(figsize=(10, 6), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1.6, 1))
    figure.suptitle(f"{title}: error of the median by order day")
    days, weight = _order_days(predictions), _settled(predictions)
    actual = column(predictions, "actual_days")
    for name, colour in _forecasts(predictions):
        at, mean, _ = means_by_key(days, np.abs(column(predictions, name) - actual), weight, LEAST_DAY_ROWS)
        top.plot(at, mean, "o-", color=colour, markersize=3.5, linewidth=1.6 if name == "p50_days" else 1.1, label=_label(name))
    top.set(ylabel="mean absolute\nerror [days]")
    top.set_ylim(bottom=0)
    top.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=4, frameon=False)
    at, bias, _ = means_by_key(days, column(predictions, "p50_days") - actual, weight, LEAST_DAY_ROWS)
    middle.axhline(0, color=_TARGET, linestyle="--", linewidth=1)
    middle.plot(at, bias, "o-", color=_MODEL, markersize=3.5)
    middle.set(ylabel="bias of p50\n[days]")
    known = _counting(predictions) > 0
    at, arrived = np.unique(days, return_inverse=True)
    delivered, under_way = (np.bincount(arrived[rows], minlength=len(at)) for rows in (known, ~known))
    bottom.bar(at, delivered, color=_GREY, label="delivered")
    bottom.bar(at, under_way, bottom=delivered, color=_TARGET, label=f"under way (above {MOST_UNDER_WAY:.0%}: no mean)")
    bottom.set(ylabel="parcels")
    bottom.set_ylim(top=max(1.45 * float(np.max(delivered + under_way, initial=0)), 1))
    bottom.legend(loc="upper left", ncols=2, frameon=False, fontsize=8)
    _dates(bottom, at)
    return figure


def error_by_state(predictions: pa.Table, title: str) -> Figure:
    """Mean absolute error of p50 by destination state, the worst on top, with the number of parcels and the baselines."""
    weight, actual = _counting(predictions), column(predictions, "actual_days")
    states = _states(predictions, weight)
    errors = {name: np.abs(column(predictions, name) - actual) for name, _ in _forecasts(predictions)}
    names, mean, rows = means_by_key(states, errors["p50_days"], weight, 1)
    order = np.argsort(mean)
    places = {str(name): place for place, name in enumerate(names[order])}
    figure = Figure(figsize=(9, max(3.2, 1.6 + 0.27 * len(names))), layout="constrained")
    axes = figure.subplots()
    figure.suptitle(f"{title}: error of the median by destination state")
    axes.barh(range(len(names)), mean[order], color=_MODEL, height=0.7, label=_label("p50_days"))
    for name, colour in _forecasts(predictions)[1:]:
        found, value, _ = means_by_key(states, errors[name], weight, 1)
        axes.plot(value, [places[str(state)] for state in found], "D", color=colour, markersize=5, label=_label(name))
    axes.set_yticks(range(len(names)), [f"{state}  (n = {count:,})" for state, count in zip(names[order], rows[order], strict=True)])
    axes.set(xlabel="mean absolute error [days]", ylim=(-0.6, len(names) - 0.4))
    figure.legend(loc="outside lower center", ncols=4, frameon=False, reverse=True)
    axes.grid(axis="x", color="#e4e7eb")
    axes.set_axisbelow(True)
    return figure


def feature_importance(importance: Mapping[str, float], title: str) -> Figure:
    """Share of the gain of each feature, the most important on top."""
    ranked = sorted(importance.items(), key=lambda item: (-item[1], item[0]))
    shown = ranked[:MOST_FEATURES][::-1]
    figure = Figure(figsize=(9, max(2.6, 1.5 + 0.3 * len(shown))), layout="constrained")
    axes = figure.subplots()
    rest = f" (the first {MOST_FEATURES} of {len(ranked)})" if len(ranked) > MOST_FEATURES else ""
    figure.suptitle(f"{title}: what the trees split on{rest}")
    bars = axes.barh([name for name, _ in shown], [100 * share for _, share in shown], color=_MODEL, height=0.7)
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
    axes.set(xlabel="share of the total gain [%]")
    axes.margins(x=0.1, y=0.02)
    return figure


def _coverage_by_day(axes: Axes, predictions: pa.Table) -> None:
    actual, days = column(predictions, "actual_days"), _order_days(predictions)
    inside = (actual >= column(predictions, "p10_days")) & (actual <= column(predictions, "p90_days"))
    at, share, _ = means_by_key(days, inside.astype(np.float64), _settled(predictions), LEAST_DAY_ROWS)
    axes.axhline(80, color=_TARGET, linestyle="--", linewidth=1, label="claimed: 80 %")
    axes.plot(at, 100 * share, "o-", color=_MODEL, markersize=4, label="observed")
    axes.set(ylim=(0, 100), ylabel="parcels inside [p10, p90] [%]", title=f"By day, with at most {MOST_UNDER_WAY:.0%} still under way")
    axes.legend(loc="lower left", frameon=False)
    _dates(axes, at)


def _forecasts(predictions: pa.Table) -> list[tuple[str, str]]:
    own = {*QUANTILE_COLUMNS.values(), "actual_days"}
    baselines = [name for name in predictions.column_names if name.endswith("_days") and name not in own]
    return [("p50_days", _MODEL), *zip(baselines, _BASELINES, strict=False)]


def _label(name: str) -> str:
    return "model (p50)" if name == "p50_days" else name.removesuffix("_days").replace("_", " ")


def _order_days(predictions: pa.Table) -> np.ndarray:
    return predictions.column("ordered_at").cast(pa.timestamp("us")).to_numpy(zero_copy_only=False).astype("datetime64[D]")


def _counting(predictions: pa.Table) -> np.ndarray:
    weight = column(predictions, "weight")
    return np.where(np.isfinite(column(predictions, "actual_days")), weight, 0.0)


def _settled(predictions: pa.Table) -> np.ndarray:
    """1 for the known outcomes of days of which at most ``MOST_UNDER_WAY`` is under way, else 0.

    The weights of censoring stand for the whole span. Within a day all parcels were looked at for equally long, so they would
    only give its slow ones to other days.
    """
    known = _counting(predictions) > 0
    names, group = np.unique(_order_days(predictions), return_inverse=True)
    arrived = np.bincount(group, weights=known, minlength=len(names)) / np.maximum(np.bincount(group, minlength=len(names)), 1)
    return np.where(known & (arrived[group] >= 1 - MOST_UNDER_WAY), 1.0, 0.0)


def _states(predictions: pa.Table, weight: np.ndarray) -> np.ndarray:
    """The state of each row; those with few known outcomes are one."""
    states = np.array([state or "unknown" for state in predictions.column("destination_state").to_pylist()], dtype=object)
    names, group = np.unique(states, return_inverse=True)
    few = np.bincount(group, weights=weight > 0, minlength=len(names)) < LEAST_STATE_ROWS
    return np.where(few[group], f"{int(few.sum())} others", states).astype(str) if few.sum() > 1 else states.astype(str)


def means_by_key(keys: np.ndarray, values: np.ndarray, weight: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each key with at least ``least`` rows that count: the weighted mean of ``values`` and the number of rows."""
    counts = (weight > 0) & np.isfinite(values)
    names, group = np.unique(keys[counts], return_inverse=True)
    rows = np.bincount(group, minlength=len(names))
    mass = np.bincount(group, weights=weight[counts], minlength=len(names))
    total = np.bincount(group, weights=(weight * np.nan_to_num(values))[counts], minlength=len(names))
    kept = rows >= least
    return names[kept], total[kept] / mass[kept], rows[kept]


def _dates(axes: Axes, days: np.ndarray) -> None:
    axes.set_xlabel("day of the order (UTC)")
    if not len(days):
        return
    every = int((days.max() - days.min()).astype(int)) // MOST_DATES + 1
    axes.set_xticks(date2num(np.arange(days.min(), days.max() + 1, every)))
    axes.xaxis.set_major_formatter(DateFormatter("%d %b"))
    axes.set_xlabel(f"day of the order (UTC, {' and '.join(sorted({str(day)[:4] for day in days}))})")
