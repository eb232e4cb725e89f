"""A card as Markdown. What people wrote stays inside of its cell, opens no link and is no HTML."""

from collections.abc import Iterable, Mapping, Sequence

from tradewind_lifecycle.cards.blocks import Block, Bullets, Card, Code, Figure, Figures, Paragraph, Strong, Table, Word


def markdown(card: Card, images: Mapping[str, str] | None = None) -> str:
    """The whole card. ``images``: paths or URLs by name of the plot; absent ones are left out."""
    found = images or {}
    parts = [f"# {_plain(card.title)}", *_blocks(card.lead, found)]
    for section in card.sections:
        parts += [f"## {_plain(section.title)}", *_blocks(section.blocks, found)]
    return "\n\n".join(parts) + "\n"


def markdown_table(header: Sequence[str], lines: Iterable[Sequence[Word]], numbers: bool = False) -> str:
    """A Markdown table; with ``numbers``, all columns but the first are aligned right."""
    rule = ["---", *["---:" if numbers else "---"] * (len(header) - 1)]
    rows = [[_plain(cell) for cell in header], rule, *([_word(cell) for cell in line] for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _blocks(blocks: Iterable[Block], images: Mapping[str, str]) -> list[str]:
    return [text for block in blocks if (text := _block(block, images))]


def _block(block: Block, images: Mapping[str, str]) -> str:
    if isinstance(block, Paragraph):
        return "".join(map(_word, block.words))
    if isinstance(block, Bullets):
        return "\n".join("- " + "".join(map(_word, item)) for item in block.items)
    if isinstance(block, Table):
        return markdown_table(block.header, block.rows, block.numbers)
    if isinstance(block, Figures):
        return "\n\n".join(text for figure in block.figures if (text := _figure(figure, images)))
    return _figure(block, images)


def _figure(figure: Figure, images: Mapping[str, str]) -> str:
    alternative = _plain(figure.caption).replace("[", "\\[").replace("]", "\\]")
    return f"![{alternative}]({images[figure.name]})" if figure.name in images else ""


def _word(word: Word) -> str:
    if isinstance(word, Code):
        return f"`{_plain(word.text).replace('`', '')}`" if word.text else ""
    return f"**{_plain(word.text)}**" if isinstance(word, Strong) else _plain(word)


def _plain(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").replace("](", "]\\(").splitlines())
