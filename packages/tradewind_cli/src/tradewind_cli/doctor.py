"""`tradewind doctor`: what is wrong, why it matters, and how to mend it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tradewind_cli.models.words import asking_person

if TYPE_CHECKING:
    from tradewind_lifecycle.doctor import Diagnosis, Mended


def doctor(
    source: Annotated[str | None, typer.Option(help="Only the world that this source fills.", show_default="every world")] = None,
    world: Annotated[str | None, typer.Option(help="Only this world.", show_default="every world")] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every bundle and every entry of the journal, and ask Feast; takes longer.")
    ] = False,
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be mended without losing anything, then look again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs; of several worlds a list.")] = False,
) -> None:
    """Say what is wrong with worlds and registry, and how to mend it; exits with 1 where something is. Every world, unless one is named."""
    from tradewind_contracts.settings import use
    from tradewind_lifecycle import doctor as examining

    settings, who = use(source=source, world=world), asking_person()
    each: list[tuple[Diagnosis, Mended | None]] = []
    for name in examining.worlds_to_look_at(settings):
        # The advice of a world names the source that fills it.
        own = settings if settings.names_a_world else use(world=name, source=examining.source_of(settings, name))
        mended = examining.mend(own, who=who, deep=deep, say=_say) if mend else None
        each.append((mended.left if mended else examining.diagnose(own, who=who, deep=deep), mended))
        if not as_json:
            typer.echo(("\n" if len(each) > 1 else "") + examining.as_text(each[-1][0]))
    if as_json:
        typer.echo(examining.as_json(*each[0]) if len(each) == 1 else examining.worlds_as_json(each))
    if not all(found.is_clean for found, _ in each):
        raise typer.Exit(1)


def _say(line: str) -> None:
    typer.echo(line, err=True)
