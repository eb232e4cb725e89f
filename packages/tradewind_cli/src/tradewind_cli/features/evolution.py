"""`tradewind features versions | backfill`: which definitions of views stand beside each other, and past days of a view filled."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from tradewind_lifecycle.views.reporting import VersionLine

Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world that is meant.", show_default="the source's")]


def versions(
    every: Annotated[bool, typer.Option("--all", help="Views with one version too.")] = False, source: Source = None, world: World = None
) -> None:
    """List views of which several definitions stand, or that a living model misses: who needs which, and what to do."""
    from rich.console import Console

    from tradewind_contracts.settings import use
    from tradewind_lifecycle.views.reporting import version_lines

    settings = use(source=source, world=world)
    lines = version_lines(settings)
    several = {line.view for line in lines if line.state != "declared"}
    shown = [line for line in lines if every or line.view in several]
    console = Console()
    if not shown:
        console.print(
            f"world {settings.world_name}: each of {len(lines)} views stands in one version, which all living models that use it need"
        )
        return
    console.print(_table(f"Versions of views, world {settings.world_name}", shown))
    for line in shown:
        if line.advice:
            console.print(f"{line.name or line.view}: {line.advice}", markup=False, highlight=False, soft_wrap=True)


def backfill(
    view: Annotated[str, typer.Argument(help="A feature view that feature_repo declares.")],
    first: Annotated[
        dt.datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day of event time; without it from the first day that there is."),
    ] = None,
    last: Annotated[
        dt.datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day; without it to the last day that there is.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Also rewrite days that were published with other values.")] = False,
    source: Source = None,
    world: World = None,
) -> None:
    """Build one view and publish its past days, each row created at its event plus the publication lag; other views are left alone."""
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.views.backfilling import Days, backfill_view

    settings = use(source=source, world=world)
    days = Days(first.date() if first else None, last.date() if last else None)
    done = backfill_view(view, settings, days, replace=replace, say=lambda line: typer.echo(line, err=True))
    typer.echo(done.said())


def _table(title: str, lines: list["VersionLine"]) -> "Table":
    from tradewind_cli.tables import plain_table

    table = plain_table(title, "view", ("version", "definition", "rows to"))
    for name in ("state", "needed by"):
        table.add_column(name)
    for line in lines:
        table.add_row(
            line.view,
            str(line.number or "–"),
            line.digest[:12],
            f"{line.rows_to:%Y-%m-%d}" if line.rows_to else "–",
            f"{line.state} as {line.name}" if line.state == "kept" else line.state,
            ", ".join(str(need) for need in line.needs) or "–",
        )
    return table
