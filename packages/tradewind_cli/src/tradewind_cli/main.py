"""The `tradewind` command: thin. Each command imports what it needs when it runs, so that `--help` is quick."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tradewind_cli import data, doctor, lineage, monitoring, predictions, services, simulation
from tradewind_cli.features.app import app as features_app
from tradewind_cli.models.app import app as models_app
from tradewind_contracts.errors import TradewindError
from tradewind_contracts.refusals import refusal_in
from tradewind_contracts.settings import settings

_INTERRUPTED = 130

app = typer.Typer(
    name="tradewind",
    help="Features, models and decisions of commerce logistics: from raw files to an answer that explains itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("fetch")(data.fetch)
app.command("backtest")(data.backtest)
app.command("score")(data.score)
app.command("monitor")(monitoring.monitor)
app.command("dev")(services.dev)
app.command("serve")(services.serve)
app.command("docs")(services.docs)
app.command("doctor")(doctor.doctor)
app.command("impact")(lineage.impact)
app.command("lineage")(lineage.lineage)
app.add_typer(features_app, name="features")
app.add_typer(models_app, name="models")
app.add_typer(predictions.app, name="predictions")
app.add_typer(simulation.app, name="simulate")


@app.command("run")
def run(
    source: Annotated[str | None, typer.Option(help="Source that fills the world.", show_default="simulator")] = None,
    data_: Annotated[
        Path | None, typer.Option("--data", help="Zip or folder with the source's files; the simulator makes its own without.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Freeze the clock here: a local date, or an instant. Default: 30 days before the newest row.")
    ] = None,
) -> None:
    """Run the main job: land, build, publish, train, register, package, serve and ask. Then a summary."""
    from tradewind_cli import running

    running.run(source=source, data=data_, as_of=as_of)


def main() -> None:
    """Run the command; a refusal is one clear line on standard error and the refusal's own exit code."""
    try:
        # Typer gives the code of an exit back, and turns Ctrl-C into one.
        code = app(standalone_mode=False)
    except Exception as error:  # noqa: BLE001 (what is no refusal is raised again)
        code = _refused(error)
    except BaseException as stop:
        # Dagster's own Ctrl-C is known by its name: to import Dagster for it would slow every command.
        if not isinstance(stop, KeyboardInterrupt) and type(stop).__name__ != "DagsterExecutionInterruptedError":
            raise
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        typer.secho("tradewind: stopped; what was there before still stands", err=True)
    sys.exit(code if isinstance(code, int) else 0)


def _refused(error: Exception) -> int:
    """Say the refusal in ``error``; what is none is raised again, as it is a bug."""
    if isinstance(error, typer.Abort):
        return _INTERRUPTED
    if hasattr(error, "format_message"):
        asked = getattr(getattr(error, "ctx", None), "command_path", "tradewind")
        typer.secho(f"tradewind: {error.format_message()} (see `{asked} --help`)", fg="red", err=True)
        return 2
    refusal = error if isinstance(error, TradewindError) else refusal_in(error, settings().paths.home)
    if refusal is None:
        raise error
    typer.secho(f"tradewind: {refusal}", fg="red", err=True)
    return refusal.exit_code
