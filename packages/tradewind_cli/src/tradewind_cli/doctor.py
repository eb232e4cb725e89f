"""`tradewind doctor`: what is wrong, why it matters, and how to mend it."""

from typing import Annotated

import typer

from tradewind_cli.models.words import Source, World


def doctor(
    source: Source = None,
    world: World = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every bundle and every entry of the journal, and ask Feast; takes longer.")
    ] = False,
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be mended without losing anything, then look again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what is wrong with a world and the registry, and how to mend it; exits with 1 where something is."""
    import getpass

    from tradewind_contracts.settings import use
    from tradewind_lifecycle import doctor as examining

    settings, who = use(source=source, world=world), getpass.getuser()
    mended = None
    if mend:
        mended = examining.mend(settings, who=who, deep=deep, say=lambda line: typer.echo(line, err=True))
    found = mended.left if mended else examining.diagnose(settings, who=who, deep=deep)
    typer.echo(examining.as_json(found, mended) if as_json else examining.as_text(found))
    if not found.is_clean:
        raise typer.Exit(1)
