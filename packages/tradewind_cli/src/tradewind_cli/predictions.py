"""`tradewind predictions`: the log of what services answered: what it keeps, landing it, one file an hour, erasing from it."""

from typing import Annotated

import typer

from tradewind_contracts.errors import SettingsError

Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world that is meant.", show_default="the source's")]

app = typer.Typer(
    name="predictions",
    help="The log of what services answered: what it keeps of whom, landing it, compacting it, erasing from it.",
    no_args_is_help=True,
)


@app.command("land")
def land(source: Source = None, world: World = None) -> None:
    """Land what services have logged, each answer once; what a killed service left is recovered first."""
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.predictions.landing import land_predictions

    land_predictions(use(source=source, world=world), typer.echo)


@app.command("compact")
def compact(source: Source = None, world: World = None) -> None:
    """Merge the landed log to one file for each hour: at most 24 a day."""
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.predictions.compacting import compact_predictions

    compact_predictions(use(source=source, world=world), typer.echo)


@app.command("show")
def show(source: Source = None, world: World = None) -> None:
    """Show which days have landed, and what waits to."""
    from rich.console import Console

    from tradewind_cli.tables import plain_table
    from tradewind_contracts.segments import list_segments
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.predictions.landed import days_in, landed_folder, read_day

    settings = use(source=source, world=world)
    table = plain_table(f"Landed predictions, world {settings.world_name}", "day", ("answers", "files", "first", "last"))
    for landed in (read_day(landed_folder(settings), day) for day in days_in(landed_folder(settings))):
        if landed.files:
            first, last = min(file.first_at for file in landed.files), max(file.last_at for file in landed.files)
            table.add_row(
                str(landed.day), f"{landed.rows:,}", str(len(landed.files)), f"{first:%Y-%m-%d %H:%M}Z", f"{last:%Y-%m-%d %H:%M}Z"
            )
    if table.row_count:
        Console().print(table)
    else:
        typer.echo(f"no answer has landed in world {settings.world_name} yet")
    waiting = len(list_segments(settings.paths.prediction_log / "raw"))
    if waiting:
        typer.echo(f"{waiting} segment{'s wait' if waiting > 1 else ' waits'} to land (`tradewind predictions land`)")
    else:
        typer.echo("nothing waits to land")


@app.command("policy")
def policy(source: Source = None, world: World = None) -> None:
    """Show what the log keeps of each field of a request, under these settings."""
    from rich.console import Console

    from tradewind_cli.tables import plain_table
    from tradewind_contracts.settings import use
    from tradewind_serving.prediction_log.policy import policy_of
    from tradewind_serving.questions import EtaRequest

    settings = use(source=source, world=world)
    table = plain_table("What the prediction log keeps of a request", "field", ())
    fields = policy_of(EtaRequest, settings).fields
    lines = [(field.field, field.personal.value, field.treatment.value, field.column, field.reason) for field in fields]
    # Only what is dropped or hashed has a reason; what a log column is called is never cut short.
    headings = (
        ("personal data", "in the log", "as", "because") if any(line[-1] for line in lines) else ("personal data", "in the log", "as")
    )
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading == "as")
    for line in lines:
        table.add_row(*line[: 1 + len(headings)])
    Console().print(table)
    if not settings.prediction_log:
        typer.echo("no log is kept: TRADEWIND_PREDICTION_LOG is false")


@app.command("erase")
def erase(
    order: Annotated[str | None, typer.Option(help="Erase what was answered about this order.")] = None,
    merchant: Annotated[str | None, typer.Option(help="Erase what was answered about this merchant's parcels.")] = None,
    source: Source = None,
    world: World = None,
) -> None:
    """Take an order, or a merchant, out of the log: plain, and hashed under the present key."""
    from tradewind_contracts.ids import pseudonym
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.predictions.erasing import erase_predictions

    settings = use(source=source, world=world)
    asked = [(column, value) for column, value in (("order_id", order), ("merchant_id", merchant)) if value]
    if len(asked) != 1:
        raise SettingsError("expected either --order or --merchant")
    [(column, value)] = asked
    key = settings.log_key.get_secret_value() if settings.log_key else ""
    values = [value, *([pseudonym(key, column, value)] if key else [])]
    erased = erase_predictions(settings, column, values)
    typer.echo(f"predictions: erased {erased:,} rows; rows that a service logged until now and that have not landed will not")
