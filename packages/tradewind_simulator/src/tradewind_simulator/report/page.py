"""The page: one HTML file that needs nothing else."""

import html
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from tradewind_contracts.files import write_text
from tradewind_simulator.report import figures
from tradewind_simulator.report.comparing import Comparison, Laid, lay
from tradewind_simulator.report.reading import Worlds, open_worlds

_KINDS = {
    "ks": "Kolmogorov–Smirnov: greatest difference of the two distribution functions",
    "ks_at_quantiles": "the same, at the seven quantiles that are published (a lower bound)",
    "tv": "total variation: half the sum of the differences of shares",
    "difference": "absolute difference of rates",
}
_SHORT = {"ks": "KS", "ks_at_quantiles": "KS*", "tv": "TV", "difference": "Δ"}
_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:72rem;color:#222;background:#fff}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;margin-top:2rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{text-align:right;padding:.2rem .5rem;border-bottom:1px solid #e5e5e5;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:12rem}
th:last-child,td:last-child{text-align:left;white-space:normal;min-width:12rem}
thead th{border-bottom:2px solid #222}
.yes{color:#1a7f37}.no{color:#b42318;font-weight:600}.none{color:#777}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem}
img{width:100%;height:auto}
footer,.note{color:#555;font-size:.85rem}
"""
_MERCHANTS = "orders of a merchant, by their mean"


def write_report(data: Path, out: Path, real: Path | None = None, progress: Callable[[str], None] = print) -> None:
    """Write the fidelity report of the simulated world in ``data`` to the HTML file ``out``; its table also goes to ``progress``.

    ``real`` is a folder with the public data (``olist/…zip``, ``delhivery/legs*``, ``changshu_redelivery/orders*``); what is not in
    it is replaced by published figures, and the page says so.

    Raises:
        SourceError: ``data`` holds no simulated world, or an archive in ``real`` is not as downloaded.
        StateError: ``out`` can't be written.
    """
    progress(f"reading {data}")
    worlds = open_worlds(data, real)
    progress(f"comparing with {', '.join(worlds.real) or 'published figures'}")
    laid = lay(worlds)
    for line in table_lines([each.comparison for each in laid]):
        progress(line)
    write_text(out, page_of(data, worlds, laid))


def table_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """The table as text."""
    width = max(len(c.name) for c in comparisons)
    head = f"{'what':{width}}  {'simulated':>9}  {'real':>9}  {'distance':>8}      {'tolerance':>9}  within"
    lines = [head, "─" * len(head)]
    for c in comparisons:
        lines.append(
            f"{c.name:{width}}  {_number(c.simulated):>9}  {_number(c.real):>9}  {_number(c.distance):>8} {_SHORT[c.kind]:<3}"
            f"  {_allowed(c):>9}  {_WITHIN[c.is_within]}"
        )
    return [*lines, _summary(comparisons)]


def page_of(data: Path, worlds: Worlds, laid: Sequence[Laid]) -> str:
    """The whole page."""
    comparisons = [each.comparison for each in laid]
    read = f"Read as real: {', '.join(worlds.real)}." if worlds.real else "No real data was at hand."
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>Fidelity of {html.escape(data.name)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>Simulated beside real: {html.escape(data.name)}</h1>",
            f"<p>{html.escape(_summary(comparisons))} {html.escape(read)} All else is held against published figures, named in the last column.</p>",
            '<p class="note">A simulated world proves code, never a method: what wins here has still to win on real data.</p>',
            _table(comparisons),
            f'<p class="note">{"; ".join(f"<b>{_SHORT[kind]}</b> {html.escape(text)}" for kind, text in _KINDS.items())}. '
            "Numbers are medians of distributions, rates, or the share of the category that is the most frequent in reality. "
            "Tolerance is written as what is allowed + what samples of these sizes would differ by anyway.</p>",
            *_pictures(laid),
            "<footer>Orders of the last weeks are left out on both sides: they may still be under way.</footer></body></html>",
            "",
        ]
    )


_WITHIN = {True: "yes", False: "no", None: "–"}
_CLASSES = {True: "yes", False: "no", None: "none"}


def _summary(comparisons: Sequence[Comparison]) -> str:
    judged = [c for c in comparisons if c.is_within is not None]
    outside = [c.name for c in judged if not c.is_within]
    named = f" Outside: {'; '.join(outside)}." if outside else ""
    return f"{len(judged) - len(outside)} of {len(judged)} comparisons are within their tolerance.{named}"


def _table(comparisons: Sequence[Comparison]) -> str:
    rows = []
    for c in comparisons:
        moved = "" if math.isnan(c.moved) else _with_unit(c.moved, c.unit)
        seen = (_named(c), _with_unit(c.simulated, c.unit), _with_unit(c.real, c.unit), f"{_number(c.distance)} {_SHORT[c.kind]}")
        mark = f'<td class="{_CLASSES[c.is_within]}">{_WITHIN[c.is_within]}</td>'
        rows.append(f"<tr>{_cells(seen)}{mark}{_cells((_allowed(c), moved, f'{c.count:,}', c.source))}</tr>")
    names = ("what", "simulated", "real or published", "distance", "within?", "tolerance", "Wasserstein", "made of", "source")
    head = "".join(f"<th>{name}</th>" for name in names)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _cells(texts: Sequence[str]) -> str:
    return "".join(f"<td>{html.escape(text)}</td>" for text in texts)


def _pictures(laid: Sequence[Laid]) -> list[str]:
    conditional = [each for each in laid if each.measure.name.startswith("delivery days, ")]
    by_distance = [each for each in conditional if each.measure.name.endswith(" km")]
    by_lane = [each for each in conditional if not each.measure.name.endswith(" km")]
    marginals = [each for each in laid if each.measure.kind == "distribution" and each not in conditional and len(each.values)]
    shares = [each for each in laid if each.measure.kind == "shares" and each.shares]
    merchants = [each for each in marginals if each.measure.name == _MERCHANTS]
    return [
        _section(
            "Delivery days under a condition",
            [
                (figures.of_medians("delivery days by distance", by_distance), "Median delivery days by distance"),
                (figures.of_medians("delivery days by lane", by_lane), "Median delivery days by lane"),
                *((figures.of_distribution(each), each.measure.name) for each in conditional if len(each.values)),
            ],
        ),
        _section("Distributions", [(figures.of_distribution(each), each.measure.name) for each in marginals]),
        _section("Concentration", [(figures.of_concentration(each), each.measure.name) for each in merchants]),
        _section("Shares", [(figures.of_shares(each), each.measure.name) for each in shares]),
    ]


def _section(title: str, pictures: Sequence[tuple[str, str]]) -> str:
    images = "".join(f'<figure style="margin:0"><img alt="{html.escape(name)}" src="{source}"></figure>' for source, name in pictures)
    return f'<h2>{html.escape(title)}</h2><div class="pictures">{images}</div>'


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def _with_unit(value: float, unit: str) -> str:
    if math.isnan(value) or not unit or unit.startswith("share"):
        return _number(value)
    return f"{_number(value) if value >= 10 else f'{value:.2f}'} {unit}"


def _named(comparison: Comparison) -> str:
    """What is compared; of shares also whose, as a bare number would not say it."""
    return f"{comparison.name} ({comparison.unit})" if comparison.unit.startswith("share") else comparison.name


def _allowed(comparison: Comparison) -> str:
    return f"{comparison.tolerance:g}+{comparison.noise:.3f}" if math.isfinite(comparison.noise) else f"{comparison.tolerance:g}"
