"""A drawing as SVG text: lines, bars, dots and words in the few colours of the house. Every word is escaped: some come from people."""

import html
import re
from collections.abc import Sequence

STYLE = """\
.plot{--ink:#1f2933;--soft:#5b6875;--rule:#e1e5ea;--model:#1b6ca8;--limit:#b23b3b;--rest:#9aa5b1;--first:#c26a1f;--second:#7460a6;--third:#3d8a5f;--band:#1b6ca8;
font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){.plot{--ink:#e4e8ec;--soft:#9fabb7;--rule:#36414c;--model:#63b3ed;--limit:#f08a8a;--rest:#66727f;--first:#eba05c;--second:#b3a1e0;--third:#7cc79b;--band:#63b3ed}}
.plot text{fill:var(--ink)}.plot text.soft{fill:var(--soft)}.plot text.limit{fill:var(--limit)}.plot text.strong{font-weight:600}
.plot .fill-model{fill:var(--model)}.plot .fill-limit{fill:var(--limit)}.plot .fill-rest{fill:var(--rest)}.plot .fill-first{fill:var(--first)}
.plot .fill-second{fill:var(--second)}.plot .fill-third{fill:var(--third)}.plot .fill-band{fill:var(--band);fill-opacity:.18}
.plot .line{fill:none;stroke-width:1.5}.plot .line-rule{stroke:var(--rule);stroke-width:1}.plot .line-soft{stroke:var(--soft);stroke-width:1}
.plot .line-model{stroke:var(--model);stroke-width:2}.plot .line-limit{stroke:var(--limit);stroke-dasharray:5 4}.plot .line-rest{stroke:var(--rest)}
.plot .line-first{stroke:var(--first)}.plot .line-second{stroke:var(--second)}.plot .line-third{stroke:var(--third)}
"""
"""The looks of every plot; stands once in a page, and inside of each file that stands alone."""

BASELINES = ("first", "second", "third")
"""Kinds of the baselines, in their order."""

_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


class Drawing:
    """An SVG of ``width`` × ``height`` units, which a page scales. ``title`` says what it is, ``description`` what it shows (for who can't see it).

    ``kind`` of a mark is one of the colours: model, limit, rest, first, second, third, band, rule, soft.
    """

    def __init__(self, width: float, height: float, title: str, description: str = "") -> None:
        self.width = width
        self.height = height
        self._title = title
        self._description = description
        self._marks: list[str] = []

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """A line through ``points``."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._marks.append(f'<polyline class="line line-{kind}" points="{path}"/>')

    def area(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """A filled shape."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._marks.append(f'<polygon class="fill-{kind}" points="{path}"/>')

    def bar(self, x: float, y: float, width: float, height: float, kind: str, tip: str = "") -> None:
        """A rectangle; ``tip`` is shown where a pointer rests on it."""
        self._marks.append(
            f'<rect class="fill-{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}">{_tip(tip)}</rect>'
        )

    def dot(self, x: float, y: float, kind: str, tip: str = "", radius: float = 4.5) -> None:
        """A disc: what was measured of the model."""
        self._marks.append(f'<circle class="fill-{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}">{_tip(tip)}</circle>')

    def diamond(self, x: float, y: float, kind: str, tip: str = "", radius: float = 5) -> None:
        """A diamond: what was measured of a baseline."""
        corners = f"{x:.1f},{y - radius:.1f} {x + radius:.1f},{y:.1f} {x:.1f},{y + radius:.1f} {x - radius:.1f},{y:.1f}"
        self._marks.append(f'<polygon class="fill-{kind}" points="{corners}">{_tip(tip)}</polygon>')

    def text(self, x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> None:
        """Words with their base line at ``y``; ``anchor``: start, middle or end."""
        named = f' class="{kind}"' if kind else ""
        self._marks.append(f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escaped(said)}</text>')

    def svg(self, *, alone: bool = False) -> str:
        """The drawing; ``alone`` with its own style, to stand in a file of its own."""
        style = f"<style>{STYLE}</style>" if alone else ""
        description = f"<desc>{escaped(self._description)}</desc>" if self._description else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}"><title>{escaped(self._title)}</title>{description}{style}{"".join(self._marks)}</svg>'
        )


def escaped(text: str) -> str:
    """The text as content or attribute of XML and HTML, without characters that XML has no form for."""
    return html.escape(_NOT_XML.sub("\ufffd", text), quote=True)


def cut(text: str, most: int) -> str:
    """The text, or its first ``most`` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _tip(text: str) -> str:
    return f"<title>{escaped(text)}</title>" if text else ""
