"""What the registry holds: versions, cards, history. Aliases are those of one world, the settings' by default."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from tradewind_cli.models.words import Model, Reference, Source, World


def list_versions(
    model: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    source: Annotated[str | None, typer.Option(help="Only the world that this source fills.", show_default="all")] = None,
    world: Annotated[str | None, typer.Option(help="Only this world.", show_default="all")] = None,
) -> None:
    """List versions with their world, gates, aliases and main metric."""
    from tradewind_registry.views import list_text

    typer.echo(_read(lambda registry: list_text(registry, model, world or source), source, world))


def show(reference: Reference, source: Source = None, world: World = None) -> None:
    """Show all that a version seals."""
    from tradewind_registry.views import show_text

    typer.echo(_read(lambda registry: show_text(registry, reference), source, world))


def card(reference: Reference, source: Source = None, world: World = None) -> None:
    """Print a version's model card (Markdown; its plots stand beside the card under the home's reports/)."""
    from tradewind_lifecycle.cards import card_text

    typer.echo(_read(lambda registry: card_text(registry, reference), source, world))


def history(model: Model, source: Source = None, world: World = None) -> None:
    """Who moved which alias of a world, when, why and from which run."""
    from tradewind_registry.views import history_text

    typer.echo(_read(lambda registry: history_text(registry, model), source, world))


def _read(text: Callable[[Any], str], source: str | None, world: str | None) -> str:
    from tradewind_contracts.settings import use
    from tradewind_registry.client import RegistryClient

    with RegistryClient.open(use(source=source, world=world)) as registry:
        return text(registry)
