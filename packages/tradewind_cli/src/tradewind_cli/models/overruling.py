"""Overruling a failed gate: a person's word, with a reason and an end."""

import datetime as dt
from typing import Annotated

import typer

from tradewind_cli.models.words import Reference, Source, World, asking_person, text_width, typed


def overrule(
    reference: Reference,
    gate: Annotated[str, typer.Option(help="The gate that failed.")],
    why: Annotated[str, typer.Option(help="The reason, kept for ever and shown in the card.")],
    until: Annotated[str | None, typer.Option(help="When it expires: an instant, or a date (its start), UTC.")] = None,
    days: Annotated[float | None, typer.Option(help="Or: in how many days it expires; 90 at most.")] = None,
    source: Source = None,
    world: World = None,
) -> None:
    """Let a version be served for a while although a gate failed. A later failed verdict of the gate is not meant by it."""
    from tradewind_contracts.instants import Clock, iso
    from tradewind_contracts.settings import use
    from tradewind_registry.registry import Registry
    from tradewind_registry.views import stands_text

    now = Clock().now()
    expires_at = _end(now, until, days)
    with Registry.open(use(source=source, world=world)) as registry:
        version = registry.resolve(reference)
        made = registry.overrule(version.model, version.number, gate, why=typed(why), who=asking_person(), expires_at=expires_at)
        typer.echo(f"{version.reference}: {gate} is overruled by {made.who} until {iso(made.expires_at.replace(microsecond=0))}")
        typer.echo(stands_text(version.reference, registry.judgements(version), now, text_width()))


def _end(now: dt.datetime, until: str | None, days: float | None) -> dt.datetime:
    from tradewind_contracts.errors import SettingsError
    from tradewind_contracts.instants import parse_instant

    if (until is None) == (days is None):
        raise SettingsError("say when the overrule expires: either --until 2026-12-01 or --days 7")
    if until is not None:
        return parse_instant(until, "UTC")
    try:
        return now + dt.timedelta(days=days or 0.0)
    except (OverflowError, ValueError) as error:
        raise SettingsError(f"--days {days}: expected a number of days up to 90") from error
