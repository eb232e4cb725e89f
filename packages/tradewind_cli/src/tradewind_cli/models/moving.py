"""Moving aliases: promote and roll back. Aliases are those of one world, the settings' by default."""

from typing import Annotated

import typer

from tradewind_cli.models.words import Model, Reference, Source, World

Why = Annotated[str, typer.Option(help="The reason, kept for ever.")]


def promote(
    reference: Reference,
    why: Why,
    alias: Annotated[str, typer.Option(help="Alias to move.")] = "champion",
    source: Source = None,
    world: World = None,
) -> None:
    """Point an alias of a world to a version of that world; only through the version's gates."""
    import getpass

    from tradewind_contracts.settings import use
    from tradewind_registry.registry import Registry

    with Registry.open(use(source=source, world=world)) as registry:
        version = registry.resolve(reference)
        move = registry.promote(version.model, version.number, alias, why=why, who=getpass.getuser())
        said = f"{version.model}@{alias} of world {registry.world}"
    typer.echo(f"{said}: {version.reference}{_follow(move.from_number, version.model) if move else ', as before'}")


def rollback(
    model: Model,
    why: Why,
    alias: Annotated[str, typer.Option(help="Alias to move back.")] = "champion",
    source: Source = None,
    world: World = None,
) -> None:
    """Point an alias of a world back to the version that it was promoted from."""
    import getpass

    from tradewind_contracts.settings import use
    from tradewind_registry.registry import Registry

    with Registry.open(use(source=source, world=world)) as registry:
        move = registry.rollback(model, alias, why=why, who=getpass.getuser())
        said = f"{model}@{alias} of world {registry.world}"
    typer.echo(f"{said}: {model}@{move.to_number}{_follow(move.from_number, model)}")


def _follow(before: int | None, model: str) -> str:
    instead = f" instead of {model}@{before}" if before else ""
    return f"{instead}; running services follow within seconds"
