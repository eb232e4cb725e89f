"""`tradewind run`: execute the main job with a line for each step, then show what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from tradewind_cli.workspace import importable
from tradewind_contracts.instants import parse_instant
from tradewind_contracts.settings import Settings, use

if TYPE_CHECKING:
    from dagster_project.lib.summary import RunSummary


def run(*, source: str | None, data: Path | None, as_of: str | None) -> None:
    """Run the main job and print its summary.

    Raises:
        TradewindError: whatever step refused; what was published before still stands.
    """
    settings = settings_of_run(source, data, as_of)
    console = wide_console()
    summary = execute("first_parcel", settings, console)
    from tradewind_cli.summaries import show

    show(summary, settings, console)


def wide_console() -> Console:
    """A console for people and for logs: where nobody watches, lines are not broken at 80 columns."""
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=140)


def settings_of_run(source: str | None, data: Path | None, as_of: str | None, world: str | None = None) -> Settings:
    """The settings of a run, whose data is there or can be made.

    Raises:
        NotFoundError: there is no such source.
        SettingsError: ``as_of`` is no instant, or there is no data; says how to get the archive.
    """
    settings = use(source=source, data=str(data.absolute()) if data else None, as_of=as_of, world=world)
    if settings.as_of:
        # Only whether it is an instant at all: its zone is the world's, and landing reads it again.
        parse_instant(settings.as_of, "UTC")
    importable()
    from dagster_project.lib.archives import require_data

    require_data(settings)
    return settings


def execute(job: str, settings: Settings, console: Console) -> "RunSummary":
    """Execute a Dagster job of this workspace in this process; each step prints as it starts, tells of itself, and ends."""
    data = settings.data_path or f"of its own ({settings.paths.simulated})"
    console.print(f"[bold]tradewind {job}[/]  source {settings.source}, data {escape(str(data))}, home {escape(str(settings.home))}")
    console.print("[dim]loading Dagster and dbt's manifest …[/]")
    importable()
    from dagster_project.execution import run_job

    def progress(step: str, line: str, seconds: float | None) -> None:
        name = step.replace("__", "/")
        if seconds is None:
            console.print(f"[cyan]▸[/] {name}" if line == "started" else f"  [dim]{escape(line)}[/]")
        else:
            mark = {"done": "[green]✓[/]", "failed": "[red]✗[/]"}.get(line, "[yellow]–[/]")
            console.print(f"{mark} {name}  {line} in {seconds:.1f} s")

    return run_job(job, settings, progress)
