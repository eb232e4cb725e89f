"""Pictures of comparisons, as PNG in a data URI: the simulated world in colour, the real one in black or grey."""

import base64
import io
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from tradewind_simulator.report.comparing import Laid
from tradewind_simulator.report.distances import PROBABILITIES, lorenz
from tradewind_simulator.streams import Floats

_SIMULATED, _REAL = "#0b6e99", "#222222"
_POINTS = 400
_SHOWN = 0.99
_GREATEST_SHARES = 14


def of_distribution(laid: Laid) -> str:
    """Distribution functions of both; where only quantiles are published, those as points."""
    figure, axes = _empty()
    scale = "log" if laid.measure.has_long_tail else "linear"
    _steps(axes, laid.values, _SIMULATED, "simulated", 2.0)
    if laid.real_values is not None:
        _steps(axes, laid.real_values, _REAL, "real", 1.2)
    if laid.real_quantiles is not None:
        axes.plot(laid.real_quantiles, PROBABILITIES, "o", color=_REAL, markersize=5, label="published")
    axes.set(xscale=scale, ylim=(0, 1), xlabel=laid.measure.unit, ylabel="share up to")
    if scale == "linear":
        drawn = [values for values in (laid.values, laid.real_values, laid.real_quantiles) if values is not None and len(values)]
        # A few absurd values, such as wrong coordinates in real data, would press all others against the axis.
        axes.set_xlim(right=max(1.05 * float(np.quantile(values, _SHOWN)) for values in drawn))
    if laid.measure.has_long_tail:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    return _finished(figure, axes, laid.measure.name)


def of_shares(laid: Laid) -> str:
    """Bars of the most frequent categories, side by side."""
    names = list(laid.real_shares.keys() | laid.shares.keys())
    if all(name.isdigit() for name in names):
        names.sort(key=int)
    else:
        names.sort(key=lambda name: (-laid.real_shares.get(name, 0.0), name))
        names = names[:_GREATEST_SHARES]
    figure, axes = _empty()
    at = np.arange(len(names))
    axes.bar(at - 0.2, [laid.shares.get(name, 0.0) for name in names], 0.4, color=_SIMULATED, label="simulated")
    axes.bar(at + 0.2, [laid.real_shares.get(name, 0.0) for name in names], 0.4, color="#999999", label="real")
    axes.set_xticks(at, names, rotation=45 if max(len(name) for name in names) > 3 else 0, ha="right" if len(names[0]) > 3 else "center")
    axes.tick_params(axis="x", labelsize=7)
    axes.set_ylabel("share")
    return _finished(figure, axes, laid.measure.name)


def of_concentration(laid: Laid) -> str:
    """Lorenz curves: which share of the orders the smaller merchants have together."""
    figure, axes = _empty()
    axes.plot([0, 1], [0, 1], color="#cccccc", linewidth=1)
    axes.plot(*lorenz(laid.values), color=_SIMULATED, linewidth=2, label="simulated")
    if laid.real_values is not None:
        axes.plot(*lorenz(laid.real_values), color=_REAL, linewidth=1.2, label="real")
    axes.set(xlabel="share of merchants, from the smallest", ylabel="share of orders", xlim=(0, 1), ylim=(0, 1))
    return _finished(figure, axes, "concentration of orders (Lorenz)")


def of_medians(title: str, cells: list[Laid]) -> str:
    """Medians under each condition, with the middle half of the simulated ones."""
    figure, axes = _empty()
    at = np.arange(len(cells))
    spread = np.array([np.quantile(cell.values, (0.25, 0.5, 0.75)) if len(cell.values) else (np.nan,) * 3 for cell in cells])
    axes.errorbar(at - 0.08, spread[:, 1], (spread[:, 1] - spread[:, 0], spread[:, 2] - spread[:, 1]), fmt="o", color=_SIMULATED,
                  capsize=3, label="simulated: median, middle half")  # fmt: skip
    axes.plot(at + 0.08, [cell.comparison.real for cell in cells], "D", color=_REAL, markersize=5, label="real: median")
    axes.set_xticks(at, [cell.measure.name.split(", ", 1)[1] for cell in cells], rotation=30, ha="right", fontsize=7)
    axes.set(ylabel=cells[0].measure.unit, ylim=(0, None))
    return _finished(figure, axes, title)


def _empty() -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.6, 2.9))
    return figure, figure.add_axes((0.12, 0.29, 0.86, 0.63))


def _steps(axes: Any, values: Floats, colour: str, label: str, width: float) -> None:
    if len(values):
        shares = np.linspace(0.002, 0.998, _POINTS)
        axes.plot(np.quantile(values, shares), shares, color=colour, linewidth=width, label=f"{label} ({len(values):,})")


def _finished(figure: Figure, axes: Any, title: str) -> str:
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7, frameon=False)
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=110, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(sink.getvalue()).decode("ascii")
