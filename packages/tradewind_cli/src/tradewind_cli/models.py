"""Commands about models: what the registry holds, and what may be served. Aliases are those of one world, the settings' by default."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

app = typer.Typer(help="What the registry holds: versions, cards, history, and the aliases of each world.", no_args_is_help=True)
Reference = Annotated[str, typer.Argument(help="A version: eta@1, or the world's eta@champion.")]
Model = Annotated[str, typer.Argument(help="Model, such as eta.")]
Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world whose aliases are meant.", show_default="the source's")]
Why = Annotated[str, typer.Option(help="The reason, kept for ever.")]


@app.command("list")
def list_versions(
    model: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    source: Annotated[str | None, typer.Option(help="Only the world that this source fills.", show_default="all")] = None,
    world: Annotated[str | None, typer.Option(help="Only this world.", show_default="all")] = None,
) -> None:
    """List versions with their world, gates, aliases and main metric."""
    from tradewind_registry.views import list_text

    typer.echo(_read(lambda registry: list_text(registry, model, world or source), source, world))


@app.command("show")
def show(reference: Reference, source: Source = None, world: World = None) -> None:
    """Show all that a version seals."""
    from tradewind_registry.views import show_text

    typer.echo(_read(lambda registry: show_text(registry, reference), source, world))


@app.command("card")
def card(reference: Reference, source: Source = None, world: World = None) -> None:
    """Print a version's model card (Markdown; its plots stand beside the card under the home's reports/)."""
    from tradewind_lifecycle.cards import card_text

    typer.echo(_read(lambda registry: card_text(registry, reference), source, world))


@app.command("history")
def history(model: Model, source: Source = None, world: World = None) -> None:
    """Who moved which alias of a world, when, why and from which run."""
    from tradewind_registry.views import history_text

    typer.echo(_read(lambda registry: history_text(registry, model), source, world))


@app.command("promote")
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


@app.command("rollback")
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


def _read(text: Callable[[Any], str], source: str | None, world: str | None) -> str:
    from tradewind_contracts.settings import use
    from tradewind_registry.client import RegistryClient

    with RegistryClient.open(use(source=source, world=world)) as registry:
        return text(registry)
