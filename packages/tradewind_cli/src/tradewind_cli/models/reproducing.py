"""Making a version again: from its sealed set the same bundle, from what has landed the same training set."""

from typing import Annotated

import typer

from tradewind_cli.models.words import Reference, Source, World


def reproduce(
    reference: Reference,
    from_landing: Annotated[
        bool, typer.Option("--from-landing", help="Build the training set again too, from what has landed (minutes).")
    ] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Go on where code, packages or landing are others; lists which.")] = False,
    source: Source = None,
    world: World = None,
) -> None:
    """Make a version again in a clean checkout of its commit, and compare digests; exit code 1 where it is not the same."""
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.reproducing import reproduce as made_again
    from tradewind_lifecycle.reproducing.views import text_of

    made = made_again(use(source=source, world=world), reference, from_landing=from_landing, anyway=anyway, say=_say)
    typer.echo(text_of(made))
    raise typer.Exit(made.exit_code)


def _say(line: str) -> None:
    typer.echo(f"  {line}", err=True)
