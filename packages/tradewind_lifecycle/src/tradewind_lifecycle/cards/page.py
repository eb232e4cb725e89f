"""A card as one HTML page that needs nothing from elsewhere: no script, no font, no image by URL; it says so to the browser as well."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping

from tradewind_lifecycle.cards.blocks import Block, Bullets, Card, Code, Figure, Figures, Paragraph, Strong, Table, Word
from tradewind_lifecycle.plots.svg import STYLE, escaped

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")

PAGE_STYLE = """\
:root{color-scheme:light dark;--page:#fff;--text:#1f2933;--quiet:#5b6875;--edge:#dde2e8;--stripe:#f6f8fa;--good:#23744a;--bad:#a83232;--accent:#1b6ca8}
@media (prefers-color-scheme:dark){:root{--page:#161c22;--text:#e4e8ec;--quiet:#9fabb7;--edge:#36414c;--stripe:#1d252c;--good:#7cc79b;--bad:#f08a8a;--accent:#63b3ed}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.6rem 0 .7rem;padding-top:.9rem;border-top:1px solid var(--edge)}
p,ul{margin:.6rem 0;overflow-wrap:anywhere}ul{padding-left:1.3rem}
nav{margin:1.2rem 0;font-size:.9rem}nav a{margin-right:.9rem;color:var(--accent);text-decoration:none;white-space:nowrap;display:inline-block}nav a:hover{text-decoration:underline}
.good,.bad{padding:.6rem .9rem;border-left:4px solid;background:var(--stripe)}.good{border-color:var(--good)}.bad{border-color:var(--bad)}
.wide{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;font-size:.9rem;min-width:50%}
th,td{padding:.35rem .7rem;border-bottom:1px solid var(--edge);text-align:left;vertical-align:top}
thead th{color:var(--quiet);font-weight:600;white-space:nowrap}tbody th{font-weight:400}
td{max-width:26rem;overflow-wrap:break-word}
.numbers td,.numbers thead th+th{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tbody tr:nth-child(even){background:var(--stripe)}
tbody th{min-width:8rem}
code{font:.88em ui-monospace,"SFMono-Regular",Menlo,Consolas,monospace;overflow-wrap:anywhere}
td strong{color:var(--bad)}.numbers strong{color:inherit}
figure{margin:1rem 0;overflow-x:auto}figcaption{font-size:.85rem;color:var(--quiet);overflow-wrap:anywhere}
svg.plot{display:block;max-width:100%;height:auto;min-width:17rem}svg.plot[width="640"]{min-width:34rem}
time{white-space:nowrap}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr));gap:.6rem 1.6rem}.pairs figure{margin:.3rem 0}
details{margin:.5rem 0}summary{cursor:pointer;color:var(--accent)}
footer{margin-top:3rem;font-size:.85rem;color:var(--quiet)}
@media print{details>*{display:block}nav{display:none}}
"""
"""The looks of a page, beside those of the plots."""


def page(card: Card, plots: Mapping[str, str], made_at: str = "") -> str:
    """The whole page. ``plots``: SVG by name, put in as it is; every other text is escaped. ``made_at`` stands at its end."""
    style = PAGE_STYLE + STYLE
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    links = "".join(f'<a href="#{_anchor(section.title)}">{escaped(section.title)}</a>' for section in card.sections)
    sections = "\n".join(
        f'<section aria-labelledby="{_anchor(section.title)}">\n<h2 id="{_anchor(section.title)}">{escaped(section.title)}</h2>\n'
        f"{_blocks(section.blocks, plots)}\n</section>"
        for section in card.sections
    )
    footer = f"<footer>Made from the registry's rows {escaped(made_at)}.</footer>" if made_at else ""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escaped(card.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n<h1>{escaped(card.title)}</h1>\n"
        f'{_blocks(card.lead, plots)}\n<nav aria-label="Sections">{links}</nav>\n{sections}\n{footer}\n</main>\n</body>\n</html>\n'
    )


def _blocks(blocks: Iterable[Block], plots: Mapping[str, str]) -> str:
    return "\n".join(_block(block, plots) for block in blocks)


def _block(block: Block, plots: Mapping[str, str]) -> str:
    if isinstance(block, Paragraph):
        tone = f' class="{escaped(block.tone)}"' if block.tone else ""
        return f"<p{tone}>{_words(block.words)}</p>"
    if isinstance(block, Bullets):
        return "<ul>" + "".join(f"<li>{_words(item)}</li>" for item in block.items) + "</ul>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figures):
        return '<div class="pairs">' + "".join(_figure(figure, plots) for figure in block.figures) + "</div>"
    return _figure(block, plots)


def _table(table: Table) -> str:
    named = ' class="numbers"' if table.numbers else ""
    header = "".join(f'<th scope="col">{escaped(cell)}</th>' for cell in table.header)
    rows = "".join(
        f'<tr><th scope="row">{_word(row[0])}</th>' + "".join(f"<td>{_word(cell)}</td>" for cell in row[1:]) + "</tr>\n"
        for row in table.rows
    )
    # A region that scrolls can be reached by keyboard only if it takes the focus.
    whole = f'<div class="wide" tabindex="0"><table{named}>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>'
    return f"<details><summary>{escaped(table.folded)}</summary>{whole}</details>" if table.folded else whole


def _figure(figure: Figure, plots: Mapping[str, str]) -> str:
    if figure.name not in plots:
        return ""
    return f"<figure>{plots[figure.name]}<figcaption>{escaped(figure.caption)}</figcaption></figure>"


def _words(parts: Iterable[Word]) -> str:
    return "".join(map(_word, parts))


def _word(word: Word) -> str:
    if isinstance(word, Code):
        return f"<code>{escaped(word.text)}</code>"
    if isinstance(word, Strong):
        return f"<strong>{escaped(word.text)}</strong>"
    return f"<time>{word}</time>" if _INSTANT.fullmatch(word) else escaped(word)


def _anchor(title: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in title.lower())
