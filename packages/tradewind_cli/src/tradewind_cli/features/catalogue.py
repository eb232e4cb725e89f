"""`tradewind features list | show | search`: what the features are, where they come from, what they are worth and cost."""

from typing import Annotated

import typer

Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world that is looked at.", show_default="the source's")]
Json = Annotated[bool, typer.Option("--json", help="Plain JSON instead of a table.")]


def list_views(
    unused: Annotated[bool, typer.Option("--unused", help="Only what nobody uses, with the steps that remove it.")] = False,
    as_json: Json = False,
    source: Source = None,
    world: World = None,
) -> None:
    """List the feature views: how fresh, what for, what they mean to living models, and what they cost."""
    from tradewind_cli.features import listing
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.catalogue.worlds import look

    seen = look(use(source=source, world=world), details=as_json)
    if unused:
        listing.print_unused(seen, as_json=as_json)
    elif as_json:
        typer.echo(_text([seen.to_json(view) for view in seen.catalogue.views]))
    else:
        listing.print_list(seen)


def show(
    name: Annotated[str, typer.Argument(help="A view, a feature of it (view:feature), or a feature's name alone.")],
    as_json: Json = False,
    source: Source = None,
    world: World = None,
) -> None:
    """Show all that is known of a view, or of one feature."""
    from tradewind_cli.features import showing
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.catalogue import read_catalogue
    from tradewind_lifecycle.catalogue.worlds import look

    view, feature = read_catalogue().find(name)
    seen = look(use(source=source, world=world), view)
    if as_json:
        found = seen.to_json(view)
        typer.echo(_text(found if feature is None else next(f for f in found["features"] if f["name"] == feature.name)))
    elif feature is None:
        showing.print_view(seen, view)
    else:
        showing.print_feature(seen, view, feature)


def search(
    words: Annotated[list[str], typer.Argument(help="Words of names, meanings, landing columns or owners; all must be found.")],
    as_json: Json = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 15,
) -> None:
    """Find views and features by words, the best first."""
    from tradewind_cli.features import listing
    from tradewind_lifecycle.catalogue import read_catalogue
    from tradewind_lifecycle.catalogue.searching import search as find

    found = find(read_catalogue(), " ".join(words))
    if as_json:
        typer.echo(
            _text([{"name": each.reference, "score": round(each.score, 3), "found_in": list(each.places)} for each in found[:limit]])
        )
    else:
        listing.print_found(found, " ".join(words), limit)


def _text(found: object) -> str:
    import json

    return json.dumps(found, indent=2, ensure_ascii=False)
