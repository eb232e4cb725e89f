"""What the registry holds: versions, cards, history. Aliases are those of one world, the settings' by default."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from tradewind_cli.models.words import All, Model, Reference, Source, World, text_width

NEWEST = 50
"""Lines that lists have without ``--all``. Chosen: a screen or two."""

T = TypeVar("T")


def list_versions(
    model: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    source: Annotated[str | None, typer.Option(help="Only the world that this source fills.", show_default="all")] = None,
    world: Annotated[str | None, typer.Option(help="Only this world.", show_default="all")] = None,
    everything: All = False,
) -> None:
    """List versions with their world, gates, aliases and main metric, the newest first."""
    from tradewind_registry.views import list_text

    limit = None if everything else NEWEST
    typer.echo(_read(lambda registry: list_text(registry, model, world or source, limit, text_width()), source, world))


def show(reference: Reference, source: Source = None, world: World = None) -> None:
    """Show all that a version seals, its gates, and who overruled any."""
    from tradewind_registry.views import show_text

    typer.echo(_read(lambda registry: show_text(registry, reference, text_width()), source, world))


def diff(
    before: Reference,
    after: Reference,
    source: Source = None,
    world: World = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with all features and slices.")] = False,
) -> None:
    """How two versions of a model differ: features, data, code, parameters, metrics, slices and gates."""
    from tradewind_registry.comparing import diff as compare
    from tradewind_registry.differences import diff_text

    found = _read(lambda registry: compare(registry, before, after), source, world)
    typer.echo(found.model_dump_json(indent=2) if as_json else diff_text(found, text_width()))


def history(model: Model, source: Source = None, world: World = None, everything: All = False) -> None:
    """Where champion and challenger of a world point, and who moved them, when, why and from which run."""
    from tradewind_registry.views import history_text

    typer.echo(_read(lambda registry: history_text(registry, model, None if everything else NEWEST, text_width()), source, world))


def _read(text: Callable[[Any], T], source: str | None, world: str | None) -> T:
    from tradewind_contracts.settings import use
    from tradewind_registry.client import RegistryClient

    with RegistryClient.open(use(source=source, world=world)) as registry:
        return text(registry)
