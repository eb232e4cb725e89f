"""Commands about models: what the registry holds, and what may be served."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tradewind_registry.registry import Registry

app = typer.Typer(help="What the registry holds: versions, cards, history, aliases.", no_args_is_help=True)
Reference = Annotated[str, typer.Argument(help="A version: eta@1, or eta@champion.")]


@app.command("list")
def list_versions(model: Annotated[str | None, typer.Argument(help="Only this model.")] = None) -> None:
    """List versions with their gates, aliases and main metric."""
    from tradewind_registry.views import list_text

    typer.echo(list_text(_registry(), model))


@app.command("show")
def show(reference: Reference) -> None:
    """Show all that a version seals."""
    from tradewind_registry.views import show_text

    typer.echo(show_text(_registry(), reference))


@app.command("card")
def card(reference: Reference) -> None:
    """Print a version's model card (Markdown; its plots stand beside the card under the home's reports/)."""
    from tradewind_lifecycle.cards import card_text

    typer.echo(card_text(_registry(), reference))


@app.command("history")
def history(model: Annotated[str, typer.Argument(help="Model, such as eta.")]) -> None:
    """Who moved which alias, when, why and from which run."""
    from tradewind_registry.views import history_text

    typer.echo(history_text(_registry(), model))


@app.command("rollback")
def rollback(
    model: Annotated[str, typer.Argument(help="Model, such as eta.")],
    why: Annotated[str, typer.Option(help="The reason, kept for ever.")],
    alias: Annotated[str, typer.Option(help="Alias to move back.")] = "champion",
) -> None:
    """Point an alias back to the version that it was promoted from."""
    import getpass

    move = _registry().rollback(model, alias, why=why, who=getpass.getuser())
    typer.echo(f"{model}@{alias}: {model}@{move.from_number} → {model}@{move.to_number}; running services follow within seconds")


def _registry() -> "Registry":
    from tradewind_contracts.settings import settings
    from tradewind_registry.registry import Registry

    return Registry.open(settings())
