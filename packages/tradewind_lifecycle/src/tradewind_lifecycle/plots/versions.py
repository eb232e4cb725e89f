"""Plots of a version from its row: calibration, error beside the baselines', slices, importance, error by day."""

from collections.abc import Mapping

from tradewind_lifecycle.plots.axes import Scale, bottom_axis, number
from tradewind_lifecycle.plots.days import BY_DAY, error_by_day
from tradewind_lifecycle.plots.evidence import draw
from tradewind_lifecycle.plots.svg import BASELINES, Drawing, cut
from tradewind_registry import Version, main_metric

MOST_FEATURES = 20
"""Features in the plot of importance; the card lists all."""
MOST_SLICES = 28
"""Values of a dimension that are drawn, those with most outcomes first; the card lists all."""
_WIDTH, _LABELS = 640, 190


def plots_of(version: Version, *, alone: bool = False) -> dict[str, str]:
    """Each plot that the row has the numbers for, as SVG by name; ``alone`` with its own style, to stand in files."""
    named = f"{version.reference}, {version.world}"
    found: dict[str, str] = {}
    if version.metrics:
        found["metrics"] = metrics(version, f"{named}: the error beside the baselines'", alone=alone)
    if isinstance(version.facts.get(BY_DAY), Mapping):
        found["error_by_day"] = error_by_day(version.facts[BY_DAY], f"{named}: error by order day", alone=alone)
    for dimension in version.slices:
        found[f"error_by_{dimension}"] = error_by_slice(version, dimension, f"{named}: error by {dimension.replace('_', ' ')}", alone=alone)
    if version.calibration:
        found["calibration"] = calibration(version, f"{named}: are the quantiles what they say?", alone=alone)
    if version.importance:
        found["importance"] = importance(version, f"{named}: what the trees split on", alone=alone)
    return found


def calibration(version: Version, title: str, *, alone: bool = False) -> str:
    """Share of outcomes at or below each quantile against its level."""
    levels = {"plot": "levels", "claimed": [float(level) for level in version.calibration], "observed": list(version.calibration.values())}
    return draw(levels, title, alone=alone)


def metrics(version: Version, title: str, *, alone: bool = False) -> str:
    """The main metric with its interval, beside the baselines'."""
    main = str(main_metric(version.metrics))
    values = {version.model: version.metrics.get(main), **{name: found.get(main) for name, found in version.baselines.items()}}
    known = {name: value for name, value in values.items() if value is not None}
    bounds = [end for end in version.intervals.get(main, {}).values() if end is not None]
    drawing = Drawing(_WIDTH, 46 + 26 * max(len(known), 1), title, "; ".join(f"{name} {number(value)}" for name, value in known.items()))
    bottom = 8 + 26 * max(len(known), 1)
    scale = Scale.over([*known.values(), *bounds], _LABELS, _WIDTH - 70, zero=True)
    bottom_axis(drawing, scale, 4, bottom, main.replace("_", " "))
    for place, (name, value) in enumerate(known.items()):
        y, kind = 10 + 26 * place, "model" if name == version.model else "rest"
        drawing.text(_LABELS - 8, y + 13, cut(name, 24), "strong" if kind == "model" else "", "end")
        drawing.bar(scale(0), y, scale(value) - scale(0), 17, kind, f"{name}: {number(value)}")
        end = scale(value)
        if name == version.model and len(bounds) == 2:
            drawing.line([(scale(bounds[0]), y + 8.5), (scale(bounds[1]), y + 8.5)], "soft")
            end = scale(max(bounds))
        drawing.text(end + 6, y + 13, number(value))
    return drawing.svg(alone=alone)


def error_by_slice(version: Version, dimension: str, title: str, *, alone: bool = False) -> str:
    """The main metric by value of ``dimension``, the worst on top, with the baselines and the number of outcomes."""
    main = str(main_metric(version.metrics))
    rows = _rows(version, dimension, main)
    names = [version.model, *(name for name in sorted(version.baselines) if any(name in models for _, _, models in rows))]
    kinds = dict(zip(names, ("model", *BASELINES), strict=False))
    drawing = Drawing(
        _WIDTH, 70 + 21 * len(rows), title, "; ".join(f"{value} {number(models[version.model])}" for value, _, models in rows)
    )
    bottom = 32 + 21 * len(rows)
    scale = Scale.over([value for _, _, models in rows for value in models.values()], _LABELS, _WIDTH - 14, zero=True)
    bottom_axis(drawing, scale, 26, bottom, main.replace("_", " "))
    x = float(_LABELS)
    for name, kind in kinds.items():
        (drawing.dot if name == version.model else drawing.diamond)(x, 11, kind)
        drawing.text(x + 9, 15, name.replace("_", " "))
        x += 26 + 7.2 * len(name)
    for place, (value, count, models) in enumerate(rows):
        y = 38 + 21 * place
        own = models[version.model]
        drawing.text(_LABELS - 8, y + 4, f"{cut(value, 18)} ({count:,})", anchor="end")
        drawing.bar(scale(0), y - 6, scale(own) - scale(0), 12, "band")
        for name in names[1:]:
            if name in models:
                drawing.diamond(scale(models[name]), y, kinds[name], f"{value}, {name}: {number(models[name])}", 4.5)
        drawing.dot(scale(own), y, "model", f"{value}: {number(own)}")
    return drawing.svg(alone=alone)


def importance(version: Version, title: str, *, alone: bool = False) -> str:
    """Share of the gain of each feature, the most important on top."""
    ranked = sorted(version.importance.items(), key=lambda item: (-item[1], item[0]))
    rows = ranked[:MOST_FEATURES]
    drawing = Drawing(_WIDTH, 46 + 20 * len(rows), title, f"the first {len(rows)} of {len(ranked)} features")
    scale = Scale.over([100 * share for _, share in rows], 330, _WIDTH - 46, zero=True)
    bottom_axis(drawing, scale, 4, 8 + 20 * len(rows), "share of the total gain, %", about=4)
    for place, (name, share) in enumerate(rows):
        y = 8 + 20 * place
        drawing.text(322, y + 11, cut(name, 40), anchor="end")
        drawing.bar(scale(0), y, scale(100 * share) - scale(0), 14, "model", f"{name}: {share:.2%}")
        drawing.text(scale(100 * share) + 5, y + 11, f"{100 * share:.1f}")
    return drawing.svg(alone=alone)


def _rows(version: Version, dimension: str, main: str) -> list[tuple[str, int, dict[str, float]]]:
    """Value, outcomes, and the main metric by name of model and baseline; those with most outcomes, the worst first."""
    rows = []
    for value, models in version.slices[dimension].items():
        found = {name: metric for name, of in models.items() if (metric := of.get(main)) is not None}
        if version.model in found:
            rows.append((value, int(models[version.model].get("n") or 0), found))
    largest = sorted(rows, key=lambda row: -row[1])[:MOST_SLICES]
    return sorted(largest, key=lambda row: -row[2][version.model])
