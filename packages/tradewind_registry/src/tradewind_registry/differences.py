"""A difference of two versions as a person reads it in a terminal."""

import json
from collections.abc import Iterable
from typing import Any

from tradewind_registry.comparing import Change, Difference, MetricDifference
from tradewind_registry.tables import paragraph, shown, table

_MOST = 10
"""Features and slices that are shown; ``--json`` has all. Chosen: what fits on a screen with the rest."""
_SHOWN_DIGITS = 12
_DIGEST = 64


def diff_text(found: Difference, width: int | None = None) -> str:
    """What changed from the one version to the other, by subject; what is the same is said in a word."""
    blocks = [
        _features(found, width),
        _data(found, width),
        _parameters(found, width),
        _metrics(found, width),
        _slices(found),
        _gates(found, width),
    ]
    return "\n\n".join([f"{found.versions.before} → {found.versions.after}", *blocks])


def _features(found: Difference, width: int | None) -> str:
    features = found.features
    lines = [f"Features: {features.kept} in both{_listed('added', features.added)}{_listed('removed', features.removed)}"]
    if features.reordered:
        lines.append("Their order in the vector changed.")
    if not features.feature_service.is_one:
        lines.append(f"Feature service: {_arrow(features.feature_service)}")
    texts = [paragraph(line, width) for line in lines]
    texts.append(_views(found, width))
    moved = [(name, pair) for name, pair in features.importance.items() if not pair.is_one][:_MOST]
    if moved:
        before, after = _names(found)
        cells = [(name, _share(pair.before), _share(pair.after), _points(pair)) for name, pair in moved]
        texts.append(table(("share of the gain, moved most", before, after, "change"), cells))
    return "\n".join(texts)


def _views(found: Difference, width: int | None) -> str:
    changed = found.features.views_changed
    if not changed:
        return "Views: the same specs"
    return "Views with another spec:\n" + table(None, [(f"  {name}", _arrow(pair)) for name, pair in changed.items()], width)


def _data(found: Difference, width: int | None) -> str:
    changed = {name: pair for name, pair in (found.data | found.code).items() if not pair.is_one}
    same = [name for name, pair in (found.data | found.code).items() if pair.is_one]
    text = paragraph(f"Data and code: the same {', '.join(same)}" if same else "Data and code: all differs", width)
    if not changed:
        return text
    before, after = _names(found)
    lines = [(name.replace("_", " "), _cell(pair.before), _cell(pair.after)) for name, pair in changed.items()]
    return f"{text}\n" + table(("differs", before, after), lines, width)


def _parameters(found: Difference, width: int | None) -> str:
    if not found.parameters:
        return "Parameters: the same"
    before, after = _names(found)
    lines = [(path, _cell(pair.before), _cell(pair.after)) for path, pair in found.parameters.items()]
    return table(("parameter", before, after), lines, width)


def _metrics(found: Difference, width: int | None) -> str:
    before, after = _names(found)
    baselines = list(dict.fromkeys(name for metric in found.metrics.values() for name in metric.baselines))
    header = ("metric", before, after, "change", *baselines)
    lines = [
        (
            name,
            _value(metric, "before"),
            _value(metric, "after"),
            _moved(metric.value.before, metric.value.after),
            *(_numbers(metric.baselines[who]) for who in baselines),
        )
        for name, metric in found.metrics.items()
    ]
    parts = [table(header, lines)]
    if not found.same_holdout:
        parts.append(
            paragraph("Measured on different rows: compare each with its baselines; the gate against the champion has both on one.", width)
        )
    against = [(f"minus {who}", _against(pair.before), _against(pair.after)) for who, pair in found.beside_baselines.items()]
    if against:
        parts.append(table(("main metric", before, after), against))
    return "\n".join(parts)


def _slices(found: Difference) -> str:
    slices = found.slices
    if slices is None or not slices.compared:
        return "Slices: none with enough rows in both"
    before, after = _names(found)
    lines = [
        (
            one.dimension,
            one.value,
            f"{one.rows.before:,}" if one.rows.is_one else f"{one.rows.before:,} → {one.rows.after:,}",
            shown(one.metric.before),
            shown(one.metric.after),
            f"{one.moved:+.4g}",
        )
        for one in slices.compared[:_MOST]
    ]
    left = len(slices.compared) - len(lines)
    rest = [f"{left} more moved less"] if left else []
    for count, what in (
        (slices.too_few_rows, f"with fewer than {slices.least_rows} rows"),
        (slices.only_before, f"only in {before}"),
        (slices.only_after, f"only in {after}"),
    ):
        rest += [f"{count} {what}"] if count else []
    text = table((f"slice, {slices.metric}", "", "n", before, after, "change"), lines)
    return f"{text}\n({'; '.join(rest)})" if rest else text


def _gates(found: Difference, width: int | None) -> str:
    before, after = _names(found)
    lines = [(gate, one.state.before, one.state.after, one.reason.after or one.reason.before) for gate, one in found.gates.items()]
    return table(("gate", before, after, f"reason ({after})"), lines, width) if lines else "Gates: none was ever judged"


def _names(found: Difference) -> tuple[str, str]:
    return found.versions.before, found.versions.after


def _listed(what: str, names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"; {what}: {listed}" if listed else f"; none {what}"


def _arrow(pair: Change[Any]) -> str:
    return f"{_cell(pair.before)} → {_cell(pair.after)}"


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return shown(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:_SHOWN_DIGITS] if len(text) == _DIGEST else text


def _value(metric: MetricDifference, which: str) -> str:
    value, interval = getattr(metric.value, which), getattr(metric.interval, which)
    return shown(value) + (f" [{shown(interval[0])}, {shown(interval[1])}]" if interval else "")


def _numbers(pair: Change[float | None]) -> str:
    return shown(pair.before) if pair.is_one else f"{shown(pair.before)} → {shown(pair.after)}"


def _moved(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return "–"
    return f"{after - before:+.4g}" if after != before else "0"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _points(pair: Change[float | None]) -> str:
    return f"{100 * ((pair.after or 0.0) - (pair.before or 0.0)):+.1f}"


def _against(found: dict[str, float | None] | None) -> str:
    if not found:
        return "–"
    mean = next((value for name, value in found.items() if name not in ("low", "high")), None)
    return f"{shown(mean)} [{shown(found.get('low'))}, {shown(found.get('high'))}]"
