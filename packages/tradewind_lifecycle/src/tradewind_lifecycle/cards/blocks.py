"""What a card is made of, before it is Markdown or a page: words, lists, tables, plots. Nothing here is escaped yet."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from tradewind_contracts.instants import iso


@dataclass(frozen=True)
class Code:
    """A name or a digest, shown as it is written."""

    text: str


@dataclass(frozen=True)
class Strong:
    """A word that matters."""

    text: str


Word = str | Code | Strong
Words = tuple[Word, ...]
"""A sentence of plain, named and strong parts."""


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two. ``tone``: ``good`` or ``bad`` where it is a verdict."""

    words: Words
    tone: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[Words, ...]


@dataclass(frozen=True)
class Table:
    """Rows below a header. ``numbers``: all columns but the first are numbers. ``folded``: a page shows it on request, under this name."""

    header: tuple[str, ...]
    rows: tuple[tuple[Word, ...], ...]
    numbers: bool = False
    folded: str = ""


@dataclass(frozen=True)
class Figure:
    """A plot by its name; ``caption`` stands below it and says what it shows where it can't be seen."""

    name: str
    caption: str


@dataclass(frozen=True)
class Figures:
    """Small plots side by side."""

    figures: tuple[Figure, ...]


Block = Paragraph | Bullets | Table | Figure | Figures


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Card:
    """A whole card. ``lead`` stands below the title, before any number."""

    title: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]


def words(*parts: Word) -> Paragraph:
    """A paragraph of these parts."""
    return Paragraph(parts)


def sentences(lines: Sequence[str]) -> Bullets:
    """A list of plain sentences."""
    return Bullets(tuple((line,) for line in lines))


def instant(at: dt.datetime) -> str:
    """An instant (UTC) to the second."""
    return iso(at.replace(microsecond=0))
