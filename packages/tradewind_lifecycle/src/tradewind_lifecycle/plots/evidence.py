"""The plot of a verdict, from its evidence: one of four forms. What was not measured is drawn as such, never left out."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.plots.axes import Scale, bottom_axis, left_axis, number
from tradewind_lifecycle.plots.svg import Drawing, cut

WIDTH = 420
"""Of a gate's plot; chosen: two stand side by side in a card, one fits a telephone."""
MOST_BARS = 16
"""Bars that are drawn; chosen: those nearest to the threshold tell the rest."""
_LABEL = 18


def draw(evidence: Mapping[str, Any], title: str = "", *, alone: bool = False) -> str:
    """The evidence of a verdict as SVG; ``alone`` with its own style, to stand in a file.

    ``evidence["plot"]`` is ``interval`` (``value``, ``low``, ``high``, ``threshold``, ``unit``), ``bars`` (``labels``, ``values``, ``threshold``,
    ``unit``), ``levels`` (``claimed``, ``observed``, ``low``, ``high``: shares, 0 to 1) or ``count`` (``failed``, ``of``). Numbers may be null.

    Raises:
        IntegrityError: it is of no known form.
    """
    form = str(evidence.get("plot", ""))
    if form not in _FORMS:
        raise IntegrityError(f"evidence {title or 'of a verdict'}: its form is {form!r}; expected one of {', '.join(sorted(_FORMS))}")
    return _FORMS[form](evidence, title).svg(alone=alone)


def evidence_of(verdict: Verdict) -> Mapping[str, Any]:
    """The verdict's evidence; of verdicts that were recorded without any, or with a form that is not known here, what their numbers say."""
    if verdict.evidence.get("plot") in _FORMS:
        return verdict.evidence
    low, high = verdict.interval or (None, None)
    return {"plot": "interval", "value": verdict.value, "low": low, "high": high, "threshold": verdict.threshold, "unit": ""}


def finite(value: Any) -> float | None:
    """The value if it is a finite number, else None."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _interval(evidence: Mapping[str, Any], title: str) -> Drawing:
    value, low, high, threshold = (finite(evidence.get(name)) for name in ("value", "low", "high", "threshold"))
    unit = str(evidence.get("unit") or "")
    span = f", 95 % interval {number(low)} to {number(high)}" if low is not None and high is not None else ""
    said = f"{number(value)}{span}" if value is not None else "not measured"
    drawing = Drawing(WIDTH, 104, title, f"{said}; threshold {number(threshold) if threshold is not None else 'none'} {unit}".strip())
    shown = [part for part in (value, low, high, threshold) if part is not None]
    scale = Scale.over(shown, 14, WIDTH - 14, margin=0.25)
    bottom_axis(drawing, scale, 24, 68, unit)
    if threshold is not None:
        drawing.line([(scale(threshold), 20), (scale(threshold), 68)], "limit")
        drawing.text(scale(threshold), 14, f"threshold {number(threshold)}", "limit", _anchor(scale, threshold))
    if low is not None and high is not None:
        drawing.line([(scale(low), 46), (scale(high), 46)], "model")
        for end in (low, high):
            drawing.line([(scale(end), 40), (scale(end), 52)], "model")
    if value is None:
        drawing.text(WIDTH / 2, 50, said, "strong", "middle")
    else:
        drawing.dot(scale(value), 46, "model", said)
        drawing.text(scale(value), 36, number(value), "strong", _anchor(scale, value))
    return drawing


def _bars(evidence: Mapping[str, Any], title: str) -> Drawing:
    threshold, unit = finite(evidence.get("threshold")), str(evidence.get("unit") or "")
    pairs = zip(_list(evidence, "labels"), (finite(value) for value in _list(evidence, "values")), strict=False)
    known = sorted(((str(label), value) for label, value in pairs if value is not None), key=lambda pair: -abs(pair[1]))
    rows = known[:MOST_BARS]
    said = f"{len(rows)} bars, the first of {len(known)}" if len(known) > len(rows) else f"{len(rows)} bars"
    drawing = Drawing(
        WIDTH, 62 + 20 * max(len(rows), 1), title, said + (f"; threshold {number(threshold)}" if threshold is not None else "")
    )
    bottom = 26 + 20 * max(len(rows), 1)
    scale = Scale.over([value for _, value in rows] + ([threshold] if threshold is not None else []), 150, WIDTH - 50, zero=True)
    bottom_axis(drawing, scale, 22, bottom, unit, about=4)
    for place, (label, value) in enumerate(rows):
        y, over = 28 + 20 * place, threshold is not None and value > threshold
        left, right = sorted((scale(0), scale(value)))
        drawing.bar(left, y, right - left, 13, "limit" if over else "model", f"{label}: {number(value)} {unit}".strip())
        drawing.text(144, y + 11, cut(label, _LABEL), anchor="end")
        drawing.text(right + 5, y + 11, number(value))
    if not rows:
        drawing.text(WIDTH / 2, 40, "nothing was measured", "strong", "middle")
    if threshold is not None:
        drawing.line([(scale(threshold), 20), (scale(threshold), bottom)], "limit")
        drawing.text(scale(threshold), 14, f"threshold {number(threshold)}", "limit", _anchor(scale, threshold))
    return drawing


def _levels(evidence: Mapping[str, Any], title: str) -> Drawing:
    columns = [[finite(value) for value in _list(evidence, name)] for name in ("claimed", "observed", "low", "high")]
    rows = _padded(columns)
    points = [(c, o, low, high) for c, o, low, high in rows if c is not None and o is not None]
    said = "; ".join(f"claimed {c:.0%}, observed {o:.1%}" for c, o, _, _ in points)
    drawing = Drawing(WIDTH, 300, title, said or "nothing was measured")
    across, up = Scale(0, 1, 56, WIDTH - 110), Scale(0, 1, 246, 18)
    bottom_axis(drawing, across, 18, 246, "claimed")
    left_axis(drawing, up, 56, WIDTH - 110)
    gap = finite(evidence.get("threshold"))
    if gap is not None:
        corners = [(0, 0), (0, gap), (1 - gap, 1), (1, 1), (1, 1 - gap), (gap, 0)]
        drawing.area([(across(x), up(y)) for x, y in corners], "band")
    drawing.line([(across(0), up(0)), (across(1), up(1))], "limit")
    for claimed, observed, low, high in points:
        if low is not None and high is not None:
            drawing.line([(across(claimed), up(low)), (across(claimed), up(high))], "model")
        drawing.dot(across(claimed), up(observed), "model", f"claimed {claimed:.0%}, observed {observed:.1%}")
    if 0 < len(points) <= 5:
        for claimed, observed, _, _ in points:
            drawing.text(across(claimed) + 9, up(observed) + 14, f"{observed:.1%}", "strong")
    drawing.text(WIDTH - 100, 30, "– – as claimed", "limit")
    if gap is not None:
        drawing.text(WIDTH - 100, 48, f"± {gap:g} allowed", "soft")
    return drawing


def _count(evidence: Mapping[str, Any], title: str) -> Drawing:
    failed, of = finite(evidence.get("failed")), finite(evidence.get("of"))
    drawing = Drawing(WIDTH, 64, title)
    if failed is None:
        drawing.bar(14, 34, WIDTH - 28, 14, "rest", "not measured")
        drawing.text(14, 24, "not measured", "strong")
        return drawing
    total = max(of or 0.0, failed, 1.0)
    said = f"{number(failed)} failed" + (f" of {number(of)}" if of is not None else "")
    drawing = Drawing(WIDTH, 64, title, said)
    drawing.text(14, 24, said, "strong")
    share = failed / total * (WIDTH - 28)
    drawing.bar(14, 34, WIDTH - 28, 14, "model", said)
    if failed:
        drawing.bar(14, 34, max(share, 4), 14, "limit", said)
    return drawing


def _list(evidence: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = evidence.get(name)
    return found if isinstance(found, list | tuple) else ()


def _padded(columns: Sequence[Sequence[float | None]]) -> list[tuple[float | None, ...]]:
    """Rows of columns, where a shorter column goes on with None."""
    rows = len(columns[0])
    return [tuple(column[row] if row < len(column) else None for column in columns) for row in range(rows)]


def _anchor(scale: Scale, value: float) -> str:
    """Words near an edge grow away from it."""
    share = (value - scale.low) / (scale.high - scale.low)
    return "start" if share < 0.2 else "end" if share > 0.8 else "middle"


_FORMS: Mapping[str, Callable[[Mapping[str, Any], str], Drawing]] = {
    "interval": _interval,
    "bars": _bars,
    "levels": _levels,
    "count": _count,
}
