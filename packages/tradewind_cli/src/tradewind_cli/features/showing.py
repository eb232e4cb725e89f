"""One view, or one feature, on the terminal: what it is, how fresh, who uses it, what it costs, where it comes from."""

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from tradewind_cli.features.words import age, console, grouped, instant, megabytes, places, seconds, share
from tradewind_cli.tables import plain_table

_WIDE = 100
"""Width of a terminal from which the nulls of the newest day and of all days stand apart."""

if TYPE_CHECKING:
    from tradewind_lifecycle.catalogue.declared import Feature, View
    from tradewind_lifecycle.catalogue.measured import MeasuredView
    from tradewind_lifecycle.catalogue.origins import Origins
    from tradewind_lifecycle.catalogue.scanning import Details
    from tradewind_lifecycle.catalogue.worlds import WorldCatalogue


def print_view(seen: "WorldCatalogue", view: "View") -> None:
    """A view: the facts, then its features, then what chooses the rows that they are made of."""
    from tradewind_lifecycle.catalogue.origins import shared_conditions

    out = console()
    out.print(f"[bold]{view.name}[/]: {view.description}\n")
    out.print(_facts([*_declared(seen, view), *_measured(seen, view), *_uses(seen, view)]))
    out.print(_features(seen, view, out.width))
    shared = shared_conditions(seen.catalogue, view)
    if shared:
        out.print(f"[dim]All of them are chosen by[/] {grouped(shared)}[dim] too.[/]")
    out.print(f"[dim]More of one:[/] tradewind features show {view.features[0].reference}")
    if seen.why_unmeasured:
        out.print(f"[yellow]{seen.why_unmeasured}[/]")


def _features(seen: "WorldCatalogue", view: "View", width: int) -> Table:
    """How much of each feature is null, what it means to the world's living models, and what it is made of."""
    from tradewind_lifecycle.catalogue.origins import origins

    found, both = _details(seen, view), width >= _WIDE and bool(view.ttl_hours)
    headings = [*(["null newest", "null all"] if both else ["null"])] if found else []
    table = plain_table("", "feature", [*headings, *(["gain"] if seen.living else [])])
    table.add_column("made of", overflow="fold", ratio=1)
    for feature in view.features:
        made = origins(seen.catalogue, view, feature)
        cells = [share(shares.get(feature.name)) for shares in ((found.null_newest, found.null_all) if found else ())][: len(headings)]
        if seen.living:
            cells.append(share(max((v.importance.get(feature.column, 0.0) for v in seen.living), default=0.0) or None))
        table.add_row(feature.name, *cells, grouped(made.values) or made.made_of if made else "not in the lineage yet: `make docs`")
    return table


def print_feature(seen: "WorldCatalogue", view: "View", feature: "Feature") -> None:
    """A feature: what it means, where it comes from column by column, who takes it, how often it is null."""
    from tradewind_lifecycle.catalogue.declared import ROOT
    from tradewind_lifecycle.catalogue.mentions import named_in_code
    from tradewind_lifecycle.catalogue.origins import origins
    from tradewind_lifecycle.catalogue.unused import feeds

    out = console()
    out.print(f"[bold]{feature.reference}[/]: {feature.description}\n")
    found, made = _details(seen, view), origins(seen.catalogue, view, feature)
    nulls = (
        f"{share(found.null_newest.get(feature.name))} of the newest day, {share(found.null_all.get(feature.name))} of all" if found else ""
    )
    takers = [
        f"{v.title}: {share(v.importance[feature.column])} of its gain"
        for v in seen.versions
        if v.is_living and feature.column in v.importance
    ]
    offered = [service.name for service in seen.catalogue.services if feature.reference in service.features]
    facts = [
        ("type", f"{feature.type}, one value per {view.entity}"),
        ("view", f"{view.name}: {view.description}"),
        *(_origins(made) if made else [("made of", "not in the lineage yet: `make docs`")]),
        ("by way of", _way(seen, view)),
        ("null", nulls),
        ("offered by", ", ".join(offered) or "[yellow]no feature service[/]"),
        ("taken by", "\n".join(takers) or ("[yellow]no living model[/]" if seen.versions else "")),
        ("feeds", ", ".join(feeds(seen.catalogue, feature))),
        ("named in code", "\n".join(places(map(str, named_in_code(feature, ROOT))))),
        ("in a training set", f"column {feature.column}"),
    ]
    out.print(_facts(facts))
    if seen.why_unmeasured:
        out.print(f"\n[yellow]{seen.why_unmeasured}[/]")


def _details(seen: "WorldCatalogue", view: "View") -> "Details | None":
    found = seen.measured.get(view.name)
    return found.details if found else None


def _origins(made: "Origins") -> list[tuple[str, str]]:
    return [
        ("made of", grouped(made.values) or made.made_of),
        ("chosen by", grouped(made.conditions)),
        ("rows depend on", grouped(made.rows)),
    ]


def _way(seen: "WorldCatalogue", view: "View") -> str:
    from tradewind_lifecycle.catalogue.origins import tables_between

    between = tables_between(seen.catalogue, view)
    return "; ".join(f"[dim]{schema}[/] {', '.join(names)}" for schema, names in between.items() if schema != "staging")


def _declared(seen: "WorldCatalogue", view: "View") -> list[tuple[str, str]]:
    from tradewind_lifecycle.catalogue.declared import ROOT
    from tradewind_lifecycle.catalogue.mentions import declaration
    from tradewind_lifecycle.catalogue.pages import validity

    declared = declaration(view, ROOT)
    return [
        ("entity", f"{view.entity} (join key {view.join_key})" if view.join_key else "the question of a caller"),
        ("a row", view.grain),
        ("valid", validity(view)),
        ("owner", view.owner),
        ("declared", "\n".join(place for place in (str(declared) if declared else "", view.sql) if place)),
        ("asks the caller", ", ".join(view.request)),
        ("reads views", ", ".join(view.inputs)),
        ("by way of", _way(seen, view)),
    ]


def _measured(seen: "WorldCatalogue", view: "View") -> list[tuple[str, str]]:
    found = seen.measured.get(view.name)
    if found is None:
        return []
    older = (
        f"{', '.join(found.older)}: older definitions, kept online for living models (tradewind features versions)" if found.older else ""
    )
    online = f"[yellow]{escape(seen.online_problem)}[/]" if seen.online_problem else _online(found)
    return [("newest row", _freshness(found)), ("online", online), ("kept", older), ("cost", _cost(found))]


def _freshness(found: "MeasuredView") -> str:
    if found.newest_at is None:
        return "[red]none[/] that could be seen at the world's clock"
    expired = " [red]past its ttl: nobody is given a value[/]" if found.is_expired else ""
    entities = f", {found.details.entities:,} entities" if found.details else ""
    beyond = f"; published up to {instant(found.last_at)}" if found.last_at and found.last_at > found.now else ""
    return f"{instant(found.newest_at)}, {age(found.age_hours)} old at the clock ({instant(found.now)}){expired}{entities}{beyond}"


def _online(found: "MeasuredView") -> str:
    if found.online is None or found.online_newest_at is None:
        return "[yellow]nothing[/]"
    behind = " [yellow]behind what could be seen: `make run` brings it up[/]" if found.is_behind else ""
    expired = (
        f", {found.materialized.expired:,} entities left out as past their ttl" if found.materialized and found.materialized.expired else ""
    )
    return f"{found.online.rows:,} rows, the newest {age(found.online_age_hours)} old{behind}{expired}"


def _cost(found: "MeasuredView") -> str:
    online = f", {seconds(found.materialized.seconds)} to bring online" if found.materialized else ""
    return f"{megabytes(found.bytes)} MB, {found.rows:,} rows; {seconds(found.build_seconds)} to build{online}"


def _uses(seen: "WorldCatalogue", view: "View") -> list[tuple[str, str]]:
    families = [service.family for service in seen.catalogue.services if service.name in view.services]
    services = [name for name in seen.catalogue.product_services if name in families]
    models = [f"{v.title}: {_gain(v.share_of(view.name))}" for v in seen.versions if v.is_living and view.name in v.view_specs]
    older = sum(1 for v in seen.versions if not v.is_living and view.name in v.view_specs)
    return [
        ("offered by", ", ".join(view.services) or "[yellow]no feature service[/]"),
        ("models", "\n".join([*models, *([f"{older} more versions without an alias"] if older else [])])),
        ("services", ", ".join(services)),
        ("read by views", ", ".join(seen.catalogue.readers(view))),
    ]


def _gain(value: float | None) -> str:
    return "none of its gain by itself" if value is None else f"{share(value)} of its gain"


def _facts(facts: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for name, text in facts:
        if text:
            table.add_row(name, text)
    return table
