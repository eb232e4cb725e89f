"""`tradewind simulate`: make a marketplace with planted truth, add days to it, and lay it beside real data."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Simulate a marketplace: what a platform would have observed, and apart from it what was planted.",
    invoke_without_command=True,
    subcommand_metavar="[report …]",
)


@app.callback()
def simulate(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Folder to write: a fresh one, or with --continue a simulated world.")] = None,
    preset: Annotated[str | None, typer.Option(help="Scale to begin with: tiny, small or large.", show_default="small")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same bytes.", show_default="7")] = None,
    days: Annotated[
        int | None, typer.Option(help="Local days to simulate, or with --continue to add.", show_default="the preset's; 1 to add")
    ] = None,
    orders_per_day: Annotated[
        float | None, typer.Option(help="Mean orders of an average day at the start.", show_default="the preset's")
    ] = None,
    intervene: Annotated[
        list[str] | None,
        typer.Option(
            help="Pull a lever, all draws left as they are: staffing=0.8@2024-06-01, subsidy=off, close_hub=H012@2024-06-01. Levers: subsidy, staffing, price, exposure, outreach, close_hub. Repeatable."
        ),
    ] = None,
    more: Annotated[bool, typer.Option("--continue", help="Add days to the world in --out.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, max=1024, help="Threads for writing; they change no byte.")] = None,
) -> None:
    """Simulate a marketplace into a folder: observed/ for the pipeline, truth/ for evaluations only."""
    from tradewind_cli import simulating
    from tradewind_contracts.errors import SettingsError

    if context.invoked_subcommand is not None:
        before = [f"--{'continue' if name == 'more' else name.replace('_', '-')}" for name, value in context.params.items() if value]
        if before:
            name = context.invoked_subcommand
            raise SettingsError(f"{', '.join(before)}: before `{name}`, where it has no effect; options of `{name}` come after it")
        return
    if out is None:
        raise SettingsError("--out: missing; name the folder to write, such as `tradewind simulate --preset small --out data/simulated`")
    numbers = {"seed": seed, "orders_per_day": orders_per_day}
    if more:
        begun_with = {"preset": preset, **numbers, "intervene": intervene}
        given = [f"--{name.replace('_', '-')}" for name, value in begun_with.items() if value is not None]
        if given:
            raise SettingsError(f"{', '.join(given)}: a world keeps what it was begun with; --continue takes --out, --days and --threads")
        simulating.extend_world(out, days=1 if days is None else days, threads=threads)
        return
    wanted = {name: value for name, value in {**numbers, "days": days}.items() if value is not None}
    simulating.simulate_world(out, preset=preset or "small", wanted=wanted, interventions=intervene or [], threads=threads)


@app.command("report")
def report(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a simulated world.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    real: Annotated[Path | None, typer.Option(help="Real data to lay beside it, such as the folder of the Olist archives.")] = None,
) -> None:
    """Lay simulated marginals and conditionals beside real or published ones, with a distance for each (HTML with plots)."""
    from tradewind_cli import simulating

    simulating.report_on(data, out, real)
