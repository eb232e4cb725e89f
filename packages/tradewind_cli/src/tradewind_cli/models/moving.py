"""Moving aliases: promote and roll back. Aliases are those of one world, the settings' by default."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tradewind_cli.models.words import Model, Reference, Source, World, asking_person, text_width, typed

if TYPE_CHECKING:
    from tradewind_registry.records import AliasMove
    from tradewind_registry.registry import Registry

NO_REASON = "no reason given"
"""Kept as the reason of a rollback without one: at three in the morning the service comes first."""


def promote(
    reference: Reference,
    why: Annotated[str, typer.Option(help="The reason, kept for ever.")],
    alias: Annotated[str, typer.Option(help="Alias to move: champion, challenger or any other.")] = "champion",
    source: Source = None,
    world: World = None,
) -> None:
    """Point an alias of a version's world to it; only through its gates. Where a world is named, it must be the version's."""
    from tradewind_contracts.instants import Clock
    from tradewind_contracts.settings import use
    from tradewind_registry.registry import Registry
    from tradewind_registry.views import stands_text

    settings = use(source=source, world=world)
    if not settings.names_a_world:
        # A version is of one world: where nobody named another, it is the one whose alias is meant.
        with Registry.open(settings) as registry:
            settings = use(world=registry.resolve(reference).world)
    with Registry.open(settings) as registry:
        version = registry.resolve(reference)
        seen = registry.aliases(version.model).get(alias)
        typer.echo(stands_text(version.reference, registry.judgements(version), Clock().now(), text_width()))
        # What is promoted here was chosen beside what served then: who moved the alias meanwhile is not run over.
        move = registry.promote(version.model, version.number, alias, why=typed(why), who=asking_person(), expected=seen)
        typer.echo(_moved(registry, version.model, alias, move) if move else _stays(registry, version.model, alias, version.number))


def rollback(
    model: Model,
    why: Annotated[str | None, typer.Option(help="The reason, kept for ever; asked for on a terminal.")] = None,
    alias: Annotated[str, typer.Option(help="Alias to move back.")] = "champion",
    source: Source = None,
    world: World = None,
) -> None:
    """Point an alias of a world back to the version that it was promoted from; twice goes back two."""
    from tradewind_contracts.errors import NotFoundError
    from tradewind_contracts.settings import use
    from tradewind_registry.registry import Registry
    from tradewind_registry.views import unset_text

    with Registry.open(use(source=source, world=world)) as registry:
        if alias not in registry.aliases(model):
            raise NotFoundError(f"{unset_text(registry, model, alias)}; there is nothing to roll back")
        reason = why if why is not None else _asked()
        move = registry.rollback(model, alias, why=typed(reason), who=asking_person())
        typer.echo(_moved(registry, model, alias, move))
    typer.echo(f"`tradewind models history {model}{_of(source, world)}` tells who promoted it and why")


def _asked() -> str:
    if not sys.stdin.isatty():
        return NO_REASON
    given: str = typer.prompt("why (Enter for none)", default=NO_REASON, show_default=False)
    return given


def _moved(registry: "Registry", model: str, alias: str, move: "AliasMove") -> str:
    instead = f" instead of {model}@{move.from_number}" if move.from_number else ""
    return f"{model}@{alias} of world {registry.world}: {model}@{move.to_number}{instead}; running services follow within seconds"


def _stays(registry: "Registry", model: str, alias: str, number: int) -> str:
    return f"{model}@{alias} of world {registry.world}: {model}@{number}, as before"


def _of(source: str | None, world: str | None) -> str:
    return f" --world {world}" if world else f" --source {source}" if source else ""
