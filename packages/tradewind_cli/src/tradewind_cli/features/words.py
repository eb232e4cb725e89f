"""How quantities of the catalogue are said on the terminal."""

import datetime as dt
from collections.abc import Iterable

from rich.console import Console

_HOURS_PER_DAY = 24
_DAYS_FROM = 72
"""Hours from which an age is said in days."""
NOTHING = "–"


def console() -> Console:
    """The terminal, or a file as wide as ``COLUMNS`` says; names and numbers are not coloured by what they look like."""
    return Console(highlight=False)


def age(hours: float | None) -> str:
    """A span of hours as a person says it: ``3 h``, ``5 days``."""
    if hours is None:
        return NOTHING
    if abs(hours) >= _DAYS_FROM:
        return f"{hours / _HOURS_PER_DAY:,.0f} days"
    return f"{hours:.0f} h"


def share(value: float | None) -> str:
    """A share of one in percent; nothing is ``0``, less than it could show is said so."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0"
    return "< 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"


def megabytes(size: int | None) -> str:
    """Bytes in megabytes."""
    return NOTHING if size is None else f"{size / 1e6:,.1f}"


def seconds(value: float | None) -> str:
    """Seconds, to a tenth."""
    return "not known" if value is None else f"{value:.1f} s"


def instant(at: dt.datetime | None) -> str:
    """An instant to the minute, UTC."""
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def places(where: Iterable[str]) -> list[str]:
    """Places (``path:line``) with the lines of one file together: ``path:3, 7, 20-31``."""
    lines: dict[str, list[str]] = {}
    for place in where:
        path, _, line = place.partition(":")
        lines.setdefault(path, []).append(line)
    return [path + (f":{', '.join(found)}" if any(found) else "") for path, found in lines.items()]


def grouped(columns: Iterable[str]) -> str:
    """Columns (``table.column``), those of one table together: ``parcels (order_id, merchant_id), reviews (score)``."""
    tables: dict[str, list[str]] = {}
    for name in columns:
        table, _, column = name.partition(".")
        tables.setdefault(table, []).append(column)
    return ", ".join(f"{table}.{found[0]}" if len(found) == 1 else f"{table} ({', '.join(found)})" for table, found in tables.items())
