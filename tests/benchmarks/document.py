"""`docs/benchmarks.md`: one section a benchmark, each rewritten by its own run; nothing in it is typed by hand."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.benchmarks.measuring import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images"
SECTIONS: Mapping[str, tuple[str, str]] = {
    "offline-join": ("Training sets: the join in time", "make bench"),
    "other-shapes": (
        "The same join over other shapes of data",
        ".venv/bin/python -m pytest tests/benchmarks/other_shapes.py -m benchmark -s -q",
    ),
    "large-join": ("The join under a memory limit", ".venv/bin/python -m pytest tests/benchmarks/large_join.py -m benchmark -s -q"),
    "materialization": ("Filling the online store", "make bench"),
    "online-read": ("Reading the online store", "make bench"),
    "following": ("A promotion under load", "make bench"),
}
"""Name of a section: its title, and the command that measures it, in the document's order."""
_HEAD = """# Benchmarks

Side by side in one run, on the same data, on one machine. Each section is written by the run that measured it. Seconds depend on the
machine; ratios should not. All data are made by the benchmarks themselves (`tests/benchmarks`), from fixed seeds; no customer's data.
"""


def write_section(name: str, *paragraphs: str) -> None:
    """Replace one section by what was measured, leave the others as they are, and print it."""
    found = _sections(DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else "")
    found[name] = "\n\n".join(paragraphs)
    parts = [_HEAD]
    for section, (title, command) in SECTIONS.items():
        body = found.get(section, "Not measured yet.")
        parts.append(f"<!-- {section} -->\n## {title}\n\n`{command}` measures this.\n\n{body}\n<!-- /{section} -->\n")
    DOCUMENT.write_text("\n".join(parts), encoding="utf-8")
    print(f"\n{found[name]}\n\nwritten to {DOCUMENT.relative_to(ROOT)}", flush=True)


def table(rows: Sequence[Mapping[str, str]], right: Iterable[str] = ()) -> str:
    """A Markdown table of rows with the same columns; those in ``right`` are aligned to the right."""
    columns, aligned = list(rows[0]), set(right)
    widths = [max(len(name), *(len(row[name]) for row in rows)) for name in columns]

    def line(cells: Iterable[str]) -> str:
        padded = (c.rjust(w) if n in aligned else c.ljust(w) for c, w, n in zip(cells, widths, columns, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = "|".join("-" * (w + 1) + ":" if n in aligned else "-" * (w + 2) for w, n in zip(widths, columns, strict=True))
    return "\n".join([line(columns), f"|{rule}|", *(line(row[name] for name in columns) for row in rows)])


def image(path: Path, caption: str) -> str:
    return f"![{caption}]({path.relative_to(DOCUMENT.parent)})"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def megabytes(value: float) -> str:
    return f"{value / 1e6:,.0f} MB"


def times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"


def rows_of(count: int) -> str:
    """A number of rows in words' length: 20 k, 1.1 M."""
    if count >= 1_000_000:
        return f"{count / 1_000_000:.3g} M"
    return f"{count / 1_000:.3g} k" if count >= 1_000 else str(count)


def _sections(text: str) -> dict[str, str]:
    """The bodies that stand in the document, without title and command."""
    found = re.findall(r"<!-- ([a-z-]+) -->\n## [^\n]*\n\n[^\n]*\n\n(.*?)\n<!-- /\1 -->", text, flags=re.DOTALL)
    return {name: body for name, body in found if name in SECTIONS}
