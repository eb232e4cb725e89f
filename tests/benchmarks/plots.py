"""Plots of the benchmarks, as PNG below `docs/images`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt  # the backend is chosen before
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

Lines = Mapping[str, Sequence[tuple[float, float]]]
"""Points (x, y) by the name of a line."""
OURS = "Tradewind"
_COLOURS = {0: "#0b6e99", 1: "#d9822b", 2: "#7a7a7a", 3: "#4f9d69", 4: "#9b59b6"}


def grid_of_lines(panels: Sequence[Sequence[tuple[str, str, Lines]]], x_label: str, path: Path) -> None:
    """Rows of panels (title, label of y, lines) on logarithmic axes."""
    figure, axes = plt.subplots(len(panels), len(panels[0]), figsize=(10, 3.6 * len(panels)), squeeze=False)
    for row, of_row in zip(axes, panels, strict=True):
        for axis, (title, y_label, lines) in zip(row, of_row, strict=True):
            for number, (name, points) in enumerate(lines.items()):
                axis.plot(
                    *zip(*points, strict=True),
                    marker="o",
                    label=name,
                    color=_COLOURS[number % len(_COLOURS)],
                    lw=2 if name.startswith(OURS) else 1.2,
                )
            axis.set(title=title, xlabel=x_label, ylabel=y_label, xscale="log", yscale="log")
            places = sorted({x for points in lines.values() for x, _ in points})
            axis.set_xticks(places, [f"{x:,.0f}" for x in places])
            axis.xaxis.set_minor_locator(NullLocator())
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axis.yaxis.set_minor_formatter(NullFormatter())
            axis.grid(alpha=0.3)
    axes[0][0].legend(frameon=False, fontsize=8)
    _save(figure, path)


def grid_of_bars(panels: Sequence[tuple[str, str, Mapping[str, Mapping[str, float]]]], path: Path) -> None:
    """Panels (title, label of x, bars): for each name its values by series, on a logarithmic axis."""
    figure, axes = plt.subplots(1, len(panels), figsize=(5.2 * len(panels), 3.4), squeeze=False)
    for axis, (title, x_label, bars) in zip(axes[0], panels, strict=True):
        series = list(next(iter(bars.values())))
        height = 0.8 / len(series)
        for place, one in enumerate(series):
            at = [number + place * height for number in range(len(bars))]
            drawn = axis.barh(at, [values[one] for values in bars.values()], height, label=one, color=_COLOURS[place])
            axis.bar_label(drawn, fmt="%.3g", fontsize=7, padding=2)
        axis.set(title=title, xlabel=x_label, xscale="log")
        axis.set_yticks([n + 0.4 - height / 2 for n in range(len(bars))], list(bars), fontsize=8)
        axis.margins(x=0.25)
        axis.invert_yaxis()
        axis.grid(alpha=0.3, axis="x")
    axes[0][0].legend(frameon=False, fontsize=8)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
