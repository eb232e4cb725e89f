"""Tables of several views: the list, what nobody uses, what a search found."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from tradewind_cli.features.words import NOTHING, age, console, instant, megabytes, places, seconds, share
from tradewind_cli.tables import plain_table

if TYPE_CHECKING:
    from tradewind_lifecycle.catalogue.declared import View
    from tradewind_lifecycle.catalogue.searching import Found
    from tradewind_lifecycle.catalogue.unused import Removal
    from tradewind_lifecycle.catalogue.worlds import WorldCatalogue

_WIDE, _WIDER = 104, 116
"""Widths of a terminal from which more is said of each view."""


def print_list(seen: "WorldCatalogue") -> None:
    """The views of a world, those of an entity together, and what nobody uses in one line below."""
    out = console()
    at = f", as of {instant(seen.now)}" if seen.measured else ""
    table = plain_table(f"{len(seen.catalogue.views)} feature views in world {seen.world}{at}", "view", [])
    if out.width >= _WIDE:
        table.add_column("of a", no_wrap=True)
    for heading in _headings(out.width):
        table.add_column(heading, justify="right", no_wrap=True)
    for view in sorted(seen.catalogue.views, key=lambda view: (view.is_on_demand, view.entity, view.name)):
        table.add_row(view.name, *_cells(seen, view, out.width))
    out.print(table)
    for line in _below(seen):
        out.print(line)


def _below(seen: "WorldCatalogue") -> Iterator[str]:
    """What the table leaves open: why nothing is measured, whose gain is meant, what is not online, what nobody uses."""
    from tradewind_lifecycle.catalogue.unused import unused_features, unused_views

    if seen.why_unmeasured:
        yield f"[yellow]{seen.why_unmeasured}[/]"
    if seen.living:
        yield f"gain: share of all gain in {', '.join(version.title for version in seen.living)}"
    for view in seen.catalogue.views:
        readers = seen.catalogue.readers(view)
        if readers and seen.living and seen.importance(view) is None:
            yield f"{view.name} has no gain of its own: {', '.join(readers)} is made of it"
    yield from _online(seen)
    views, features = (len(find(seen.catalogue, seen.versions)) for find in (unused_views, unused_features))
    if views or features:
        yield f"used by nobody: {views} views, and {features} features of others: [bold]tradewind features list --unused[/]"


def _online(seen: "WorldCatalogue") -> Iterator[str]:
    behind = [name for name, found in seen.measured.items() if found.is_behind]
    if seen.online_problem:
        yield f"[yellow]{escape(seen.online_problem)}[/]"
    elif behind:
        which = "no view" if len(behind) == len(seen.measured) else f"not up to the clock: {', '.join(behind)}"
        yield f"[yellow]online: {which}[/]"
    older = [name for found in seen.measured.values() for name in found.older]
    if older:
        yield f"kept for living models: {', '.join(older)} ([bold]tradewind features versions[/])"


def _headings(width: int) -> list[str]:
    headings = ["valid", "newest", "used by", "gain", "MB"]
    if width >= _WIDE:
        headings = [*headings, "rows"]
    return [*headings, "features"] if width >= _WIDER else headings


def _cells(seen: "WorldCatalogue", view: "View", width: int) -> list[str]:
    from tradewind_lifecycle.catalogue.pages import validity

    found = seen.measured.get(view.name)
    newest = NOTHING if found is None else (age(found.age_hours) if view.ttl_hours else "")
    cells = [
        "" if view.is_on_demand else validity(view),
        f"[red]{newest}[/]" if found and found.is_expired else newest,
        ", ".join(view.services) or "[yellow]nobody[/]",
        share(seen.importance(view)),
        megabytes(found.bytes if found else None),
    ]
    if width >= _WIDE:
        cells = [view.entity, *cells, f"{found.rows:,}" if found else NOTHING]
    return [*cells, str(len(view.features))] if width >= _WIDER else cells


def print_unused(seen: "WorldCatalogue", *, as_json: bool) -> None:
    """What nobody uses: why that is said, what it costs, who still needs the old definition, and the steps that remove it."""
    from tradewind_lifecycle.catalogue.unused import removals

    found = removals(seen.catalogue, seen.versions)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(removal) for removal in found], indent=2, ensure_ascii=False))
        return
    out = console()
    if not found:
        out.print("everything is used")
    for removal in found:
        out.print(f"\n[bold]{removal.name}[/]: {removal.why}")
        out.print(Padding(_removal(seen, removal), (0, 0, 0, 2)))


def _removal(seen: "WorldCatalogue", removal: "Removal") -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    found = seen.measured.get(removal.name)
    if found is not None:
        table.add_row("saves", f"{megabytes(found.bytes)} MB, {found.rows:,} rows, {seconds(found.build_seconds)} of each build")
    if removal.needed_by:
        table.add_row("waits for", f"{', '.join(removal.needed_by)}: trained with its view as it is")
    for number, step in enumerate(removal.steps, 1):
        table.add_row(f"{number}", "\n".join([step.what, *(f"[cyan]{place}[/]" for place in places(step.where))]))
    return table


def print_found(found: Sequence["Found"], words: str, limit: int) -> None:
    """What a search found, the best first."""
    out = console()
    if not found:
        out.print(f"nothing has all of {words!r} in its name, meaning, source columns or owner; fewer words find more")
        return
    for each in found[:limit]:
        out.print(f"[bold]{each.reference}[/]  [dim]found in its {', '.join(each.places)}[/]")
        out.print(Padding((each.feature or each.view).description, (0, 0, 0, 4)))
    if len(found) > limit:
        out.print(f"[dim]{len(found) - limit} more, with --limit {len(found)}[/]")
