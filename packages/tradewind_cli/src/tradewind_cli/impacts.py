"""An impact on the terminal: models first, then features, then what stands between; each with how it would notice."""

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from tradewind_cli.features.words import share

if TYPE_CHECKING:
    from tradewind_lifecycle.lineage.noticed import Impact, NoticedInput, NoticedVersion

LEGEND = (
    "value: it enters the value; condition: it filters, joins or orders what the value is made of; rows: it decides which rows there are"
)


def impact_text(impact: "Impact", *, ways: bool = False) -> str:
    """All of an impact as text; with ``ways`` one way to every feature."""
    written = io.StringIO()
    out = Console(file=written, width=Console().width, highlight=False)
    out.print(f"[bold]{impact.asked}[/] ({impact.kind}), world {impact.world}\n")
    if impact.is_nothing:
        out.print("Nothing that dbt builds, no feature and no model is made of it.")
    else:
        out.print(_models(impact))
        out.print(_features(impact))
        _between(out, impact)
        if ways:
            out.print(_ways(impact))
        out.print(f"[dim]{LEGEND}[/]")
    out.print(f"[dim]{impact.said}[/]")
    for note in impact.notes:
        out.print(f"[yellow]note:[/] {note}")
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())


def _models(impact: "Impact") -> Tree:
    tree = Tree(f"[bold]models[/] {_counted(impact)}")
    readers = (*impact.services, *impact.nightly)
    for version in impact.versions:
        branch = tree.add(f"[bold]{version.reference}[/] ({', '.join(version.aliases)} of {version.world}): {version.how}")
        for line in _inputs(version):
            branch.add(line)
        for reader in (each for each in readers if each.version == version.reference):
            branch.add(f"{'nightly table' if '/' in reader.name else 'service'} {reader.name}")
    return tree


def _counted(impact: "Impact") -> str:
    if not impact.versions and not impact.others:
        return "none would notice"
    others = ", ".join(f"{count:,} of {world}" for world, count in sorted(impact.others.items()))
    return f"{_count(len(impact.versions), 'living version')}{f', and without an alias {others}' if others else ''}"


def _inputs(version: "NoticedVersion") -> Iterator[str]:
    if version.features:
        by_use = {how: [f for f in version.features if f.how == how] for how in ("value", "condition", "rows")}
        counts = ", ".join(f"{len(found)} by {how}" for how, found in by_use.items() if found)
        strong = ", ".join(_named(feature) for feature in version.features[:3])
        yield f"{_count(len(version.features), 'feature')} with {share(version.importance)} of its gain ({counts}); most: {strong}"
    if version.label:
        yield f"its label: {_columns(version.label)}"
    if version.others:
        yield f"its training rows: {_columns(version.others)}"
    yield f"[dim]training set {version.training_set[:16]}[/]"


def _named(feature: "NoticedInput") -> str:
    return f"{feature.column} {share(feature.importance)}" if feature.importance is not None else f"{feature.column} (not in the vector)"


def _columns(found: "Iterable[NoticedInput]") -> str:
    return ", ".join(f"{'which rows there are' if each.column == '*' else each.column} ({each.how})" for each in found)


def _features(impact: "Impact") -> Table | str:
    if not impact.views:
        return "\n[dim]no feature is made of it[/]\n"
    gains: dict[str, float] = {}
    for version in impact.versions:
        for feature in version.features:
            gains[feature.column] = max(gains.get(feature.column, 0.0), feature.importance or 0.0)
    table = Table(title="features", title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("view", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("gain", justify="right", no_wrap=True)
    table.add_column("features", overflow="fold", ratio=1)
    for view in impact.views:
        gain = sum(gains.get(feature.name.replace(":", "__"), 0.0) for feature in view.features)
        names = []
        for how in ("value", "condition", "rows"):
            own = [feature.name.partition(":")[2] for feature in view.features if feature.how == how]
            names += [f"[dim]{how}[/] {', '.join(own)}"] if own else []
        table.add_row(view.name, f"{len(view.features)} of {view.features_count}", share(gain or None), "; ".join(names))
    return table


def _between(out: Console, impact: "Impact") -> None:
    if impact.feature_services:
        out.print(f"\n[bold]feature services[/] {', '.join(f'{each.name} ({each.how})' for each in impact.feature_services)}")
    tables = [f"{table.name} ({len(table.columns)} by {table.how})" for table in impact.tables]
    out.print(f"[bold]tables[/] {', '.join(tables) or 'none'}")


def _ways(impact: "Impact") -> Tree:
    tree = Tree("\n[bold]one way to each feature[/]")
    for view in impact.views:
        branch = tree.add(view.name)
        for feature in view.features:
            branch.add(f"{feature.name.partition(':')[2]} ({feature.how}): {' → '.join(feature.way)}")
    return tree


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
