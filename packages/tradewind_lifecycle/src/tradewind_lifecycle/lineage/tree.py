"""A version's lineage as text: a tree of what it is made of, folded at a depth, and what follows it."""

from collections.abc import Iterator

from tradewind_lifecycle.lineage.noticed import HOWS, How
from tradewind_lifecycle.lineage.things import LANDED, Fact, Lineage, Thing

DEPTH = 4
"""Steps back that are shown; chosen: the views and the label's parts, each with the landing tables that it is made of."""
_HIDDEN = {"digest", "commit", "path", "page", "here"}


def tree(lineage: Lineage, depth: int = DEPTH) -> str:
    """The lineage as lines; a thing that stands in it already is named again and not unfolded."""
    root = lineage.by_id[lineage.root]
    lines = [_said(root, None), *_branches(lineage, lineage.root, depth, "", set()), "", "followed by"]
    followers = lineage.followed_by.get(lineage.root, {})
    if not followers:
        lines.append("└─ nobody: no alias names it, and no service was built of it")
    for position, thing in enumerate(followers):
        last = position == len(followers) - 1
        lines.append(f"{'└─' if last else '├─'} {_said(lineage.by_id[thing], None)}")
        after = list(lineage.followed_by.get(thing, {}))
        for place, other in enumerate(after):
            lines.append(f"{'   ' if last else '│  '}{'└─' if place == len(after) - 1 else '├─'} {_said(lineage.by_id[other], None)}")
    return "\n".join([*lines, "", lineage.said, *(f"note: {note}" for note in lineage.notes)])


def _branches(lineage: Lineage, thing: str, depth: int, indent: str, shown: set[str]) -> Iterator[str]:
    sources = lineage.made_of.get(thing, {})
    if not sources:
        return
    if depth <= 0:
        yield f"{indent}└─ {_folded(lineage, thing)}"
        return
    for position, (source, how) in enumerate(sources.items()):
        last = position == len(sources) - 1
        again = source in shown and source in lineage.made_of
        yield f"{indent}{'└─' if last else '├─'} {_said(lineage.by_id[source], how)}{' (above)' if again else ''}"
        if not again:
            shown.add(source)
            yield from _branches(lineage, source, depth - 1, indent + ("   " if last else "│  "), shown)


def _folded(lineage: Lineage, thing: str) -> str:
    """What is not unfolded: how many things stand right behind, and the landing tables at the end."""
    behind = [lineage.by_id[source] for source in lineage.made_of[thing]]
    kinds = sorted({each.kind for each in behind})
    count = f"{len(behind)} {_plural(kinds[0], len(behind)) if len(kinds) == 1 else 'things'}"
    tables: dict[How, list[str]] = {}
    for table, how in lineage.landed_under(thing).items():
        tables.setdefault(how, []).append(lineage.by_id[table].name.partition(".")[2])
    by_use = "; ".join(f"{how} of {', '.join(sorted(tables[how]))}" for how in HOWS if how in tables)
    ends = any(each.kind == LANDED for each in behind)
    return f"… {count}" if ends or not by_use else f"… {count} ← {by_use}"


def _plural(kind: str, count: int) -> str:
    if count == 1 or kind == "rows":
        return kind
    return {"field of a request": "fields of a request", "part of the label": "parts of the label"}.get(kind, f"{kind}s")


def _said(thing: Thing, how: How | None) -> str:
    facts = ", ".join(text for name, value in thing.facts.items() if (text := _fact(name, value)))
    use = f" [{how}]" if how not in (None, "value") else ""
    return f"{thing.kind} {thing.name}{use}{f' ({facts})' if facts else ''}"


def _fact(name: str, value: Fact) -> str:
    if name == "gain":
        return "not in the vector" if value is None else f"{100 * float(value):.1f} % of the gain"
    if name == "here":
        return "" if value else "not in this home"
    if name == "clean":
        return "" if value else "with changes that are not committed"
    if name in _HIDDEN or value in ("", None):
        return ""
    if name == "of":
        return str(value)
    if isinstance(value, float):
        return f"{name} {value:.4g}"
    return f"{name} {value:,}" if isinstance(value, int) and not isinstance(value, bool) else f"{name} {value}"
