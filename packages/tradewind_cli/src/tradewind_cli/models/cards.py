"""Model cards: Markdown in the terminal, or one HTML page in a file."""

from pathlib import Path
from typing import Annotated

import typer

from tradewind_cli.models.words import Reference, Source, World


def card(
    reference: Reference,
    html: Annotated[Path | None, typer.Option(help="Write it as one HTML page, plots inside, to this file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the Markdown to this file, and print nothing.")] = None,
    source: Source = None,
    world: World = None,
) -> None:
    """Print a version's model card, from the registry's rows alone; `make run` keeps it with its plots under the home's reports/."""
    from tradewind_contracts.files import write_text
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.cards import card_page, card_text
    from tradewind_registry.client import RegistryClient

    settings = use(source=source, world=world)
    with RegistryClient.open(settings) as registry:
        text = card_text(registry, reference, settings)
        if html is not None:
            write_text(html.absolute(), card_page(registry, reference, settings))
            typer.echo(str(html), err=True)
        if out is not None:
            write_text(out.absolute(), text)
            typer.echo(str(out), err=True)
    if html is None and out is None:
        typer.echo(text)
