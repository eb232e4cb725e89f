"""Aligned tables and shown numbers, as plain text for a terminal."""

import datetime as dt
import textwrap
from collections.abc import Iterable, Sequence

from tradewind_contracts.instants import iso

_NARROWEST = 16
"""Characters that the last column keeps on a narrow terminal; chosen: a reason stays readable."""


def table(header: Sequence[str] | None, lines: Iterable[Sequence[str]], width: int | None = None) -> str:
    """Lines of cells as aligned text; with ``width``, what does not fit into the last column goes on below it."""
    rows = [list(line) for line in ([header] if header else [])] + [list(line) for line in lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if width is not None:
        taken = sum(widths[:-1]) + 2 * len(widths[:-1])
        widths[-1] = min(widths[-1], max(width - taken, _NARROWEST))
    return "\n".join(text for row in rows for text in _texts(row, widths))


def paragraph(text: str, width: int | None = None) -> str:
    """A sentence, in lines of ``width`` at most."""
    return text if width is None else textwrap.fill(text, max(width, _NARROWEST), break_long_words=False, break_on_hyphens=False)


def shown(value: float | None) -> str:
    """A number as a person reads it: four significant digits, whole counts whole."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1000 else f"{value:.4g}"


def shown_instant(instant: dt.datetime) -> str:
    """An instant to the second, UTC."""
    return iso(instant.replace(microsecond=0))


def _texts(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    last = textwrap.wrap(row[-1], widths[-1], break_on_hyphens=False, break_long_words=False) or [""]
    first = [cell.ljust(width) for cell, width in zip(row[:-1], widths[:-1], strict=True)]
    blank = [" " * width for width in widths[:-1]]
    return ["  ".join([*(first if n == 0 else blank), part]).rstrip() for n, part in enumerate(last)]
