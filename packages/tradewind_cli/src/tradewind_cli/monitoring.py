"""`tradewind monitor`: what was served, watched; or a replay of what a version fitted earlier would have answered."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tradewind_contracts.settings import Settings
    from tradewind_lifecycle.monitoring.watch import Watch

FAMILIES = ("eta",)


def monitor(
    family: Annotated[str, typer.Argument(help="Model family, such as eta.")],
    source: Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")] = None,
    world: Annotated[str | None, typer.Option(help="The world whose log is watched.", show_default="the source's")] = None,
    replay: Annotated[
        str | None,
        typer.Option(
            metavar="FROM:TO", help="Local dates, TO not in it; watch a frozen version's answers to the orders of this span instead."
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Replay the version that knows what was known at this instant.", show_default="FROM")
    ] = None,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="Whole weeks of the log before the world's clock.")] = 12,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Watch a world's answers: drift of inputs and answers, errors as the truth arrives, and whether to retrain."""
    from tradewind_contracts.errors import NotFoundError, SettingsError
    from tradewind_contracts.settings import use

    if family not in FAMILIES:
        raise NotFoundError(f"no model family {family!r}; there are: {', '.join(FAMILIES)}")
    if as_of and not replay:
        raise SettingsError("--as-of says which version a replay freezes; give --replay FROM:TO too")
    settings = use(source=source, world=world)
    found = _replayed(settings, replay, as_of) if replay else _watched(settings, weeks)
    from tradewind_lifecycle.monitoring.pages import text_of, write_pages

    data, page = write_pages(found, settings)
    typer.echo(found.model_dump_json(indent=1) if json else f"{text_of(found)}\n\n{page}\n{data}")


def _watched(settings: "Settings", weeks: int) -> "Watch":
    from tradewind_lifecycle.monitoring.watch import watch

    return watch(settings, weeks)


def _replayed(settings: "Settings", span: str, as_of: str | None) -> "Watch":
    from tradewind_contracts.errors import SettingsError
    from tradewind_contracts.instants import parse_instant
    from tradewind_contracts.world import World
    from tradewind_lifecycle.monitoring.watch import watch_replay

    first, colon, last = span.partition(":")
    if not colon or not first or not last:
        raise SettingsError(f"--replay {span!r}: expected FROM:TO, two local dates such as 2018-02-01:2018-05-31")
    zone = World.read(settings.paths.world_file).zone
    start, end = parse_instant(first, zone), parse_instant(last, zone)
    frozen = parse_instant(as_of, zone) if as_of else start
    return watch_replay(settings, start, end, frozen, progress=lambda line: typer.echo(line, err=True))
