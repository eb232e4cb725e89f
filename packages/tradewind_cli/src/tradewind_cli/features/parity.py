"""`tradewind features parity`: served vectors beside what a training set has for the same instants."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewind_contracts.errors import QualityError

if TYPE_CHECKING:
    from rich.table import Table

    from tradewind_lifecycle.parity import ParityReport

Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world that is meant.", show_default="the source's")]
Report = Annotated[Path | None, typer.Option(help="Also write every feature with its reasons to this file: .html, .md or .json.")]


def parity(source: Source = None, world: World = None, report: Report = None) -> None:
    """Derive recorded online vectors again offline and compare; exits with 4 where one differs."""
    from rich.console import Console

    from tradewind_contracts.settings import use
    from tradewind_lifecycle.parity import compare
    from tradewind_lifecycle.parity.pages import said, write_report

    found = compare(use(source=source, world=world), lambda line: typer.echo(line, err=True))
    console = Console()
    console.print(_table(found))
    for line in [*_reasons(found), *said(found)]:
        console.print(line, highlight=False, markup=False)
    if report is not None:
        write_report(found, report)
        console.print(f"report: {report}", highlight=False, markup=False)
    if not found.passed:
        views = sorted({*found.stale, *(feature.view for feature in found.features if feature.differing)})
        raise QualityError(f"parity does not hold for {', '.join(views)}; `--report parity.html` shows each feature with its reasons")


def _table(found: "ParityReport") -> "Table":
    from tradewind_cli.tables import plain_table
    from tradewind_lifecycle.parity.report import summary

    title = f"Parity of {found.service} at {len(found.compared)} instants"
    table = plain_table(title, "view", ("vectors", "features", "differing", "nulls on/off"))
    for view in summary(found):
        table.add_row(
            view.view,
            f"{view.vectors:,}",
            str(view.features),
            f"{view.differing:,}",
            f"{view.null_share_online:.2%} {view.null_share_offline:.2%}",
        )
    return table


def _reasons(found: "ParityReport") -> list[str]:
    """Why views differ, a line for each that does."""
    from tradewind_lifecycle.parity.report import summary

    return [f"{view.view}: {'; '.join(view.reasons)}" for view in summary(found) if view.reasons]
