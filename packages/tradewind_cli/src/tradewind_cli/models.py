"""Commands about models: what the registry holds, and what may be served."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

app = typer.Typer(help="What the registry holds: versions, cards, history, aliases.", no_args_is_help=True)
Reference = Annotated[str, typer.Argument(help="A version: eta@1, or eta@champion.")]


@app.command("list")
def list_versions(model: Annotated[str | None, typer.Argument(help="Only this model.")] = None) -> None:
    """List versions with their gates, aliases and main metric."""
    from tradewind_registry.views import list_text

    typer.echo(_read(lambda registry: list_text(registry, model)))


@app.command("show")
def show(reference: Reference) -> None:
    """Show all that a version seals."""
    from tradewind_registry.views import show_text

    typer.echo(_read(lambda registry: show_text(registry, reference)))


@app.command("card")
def card(reference: Reference) -> None:
    """Print a version's model card (Markdown; its plots stand beside the card under the home's reports/)."""
    from tradewind_lifecycle.cards import card_text

    typer.echo(_read(lambda registry: card_text(registry, reference)))


@app.command("history")
def history(model: Annotated[str, typer.Argument(help="Model, such as eta.")]) -> None:
    """Who moved which alias, when, why and from which run."""
    from tradewind_registry.views import history_text

    typer.echo(_read(lambda registry: history_text(registry, model)))


@app.command("rollback")
def rollback(
    model: Annotated[str, typer.Argument(help="Model, such as eta.")],
    why: Annotated[str, typer.Option(help="The reason, kept for ever.")],
    alias: Annotated[str, typer.Option(help="Alias to move back.")] = "champion",
) -> None:
    """Point an alias back to the version that it was promoted from."""
    import getpass

    from tradewind_contracts.settings import settings
    from tradewind_registry.registry import Registry

    with Registry.open(settings()) as registry:
        move = registry.rollback(model, alias, why=why, who=getpass.getuser())
    typer.echo(f"{model}@{alias}: {model}@{move.from_number} → {model}@{move.to_number}; running services follow within seconds")


def _read(text: Callable[[Any], str]) -> str:
    from tradewind_contracts.settings import settings
    from tradewind_registry.client import RegistryClient

    with RegistryClient.open(settings()) as registry:
        return text(registry)
