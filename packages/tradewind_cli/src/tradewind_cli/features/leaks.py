"""`tradewind features leaks`: the three detectors of features that use the future."""

from typing import TYPE_CHECKING, Annotated

import typer

from tradewind_contracts.errors import NotFoundError, QualityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from tradewind_contracts.settings import Settings
    from tradewind_contracts.verdicts import CheckResult

Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world that is meant.", show_default="the source's")]
TrainingSet = Annotated[str | None, typer.Option(help="Digest of a sealed training set.", show_default="the one sealed last")]


def leaks(source: Source = None, world: World = None, training_set: TrainingSet = None) -> None:
    """Look for features that use the future, in what is published, in the join and in a sealed set; exits with 4 where one surely does."""
    from rich.console import Console

    from tradewind_contracts.settings import use
    from tradewind_contracts.verdicts import Severity
    from tradewind_lifecycle.leaks import check_leaks
    from tradewind_lifecycle.training_sets import read_sealed

    settings = use(source=source, world=world)
    sealed = read_sealed(training_set or _sealed_last(settings), settings)  # refused before the warehouse is built again
    results = check_leaks(settings, sealed.digest, lambda line: typer.echo(line, err=True))
    console = Console()
    console.print(_table(results))
    for result in (result for result in results if not result.passed):
        console.print(f"{result.table}: {result.claim} (not kept: {result.observed})", highlight=False, markup=False)
    surely = sorted({result.table for result in results if not result.passed and result.severity is Severity.CRITICAL})
    if surely:
        raise QualityError(f"the future is used by {', '.join(surely)}; each claim above names rows, days and columns")


def _sealed_last(settings: "Settings") -> str:
    folder = settings.paths.training_sets
    # Beside the sets stands what they were asked for.
    sealed = [path.parent for path in folder.glob("[!.]*/manifest.json")]
    if not sealed:
        raise NotFoundError(f"{folder}: no training set is sealed; `make run` seals one")
    return max(sealed, key=lambda path: path.stat().st_mtime_ns).name


def _table(results: "Sequence[CheckResult]") -> "Table":
    from tradewind_cli.tables import plain_table

    table = plain_table("Leaks", "detector", ("claims", "kept", "warnings", "failed", "rows"))
    for suite in dict.fromkeys(result.suite for result in results):
        own = [result for result in results if result.suite == suite]
        failed = [result for result in own if not result.passed]
        critical = sum(result.severity == "critical" for result in failed)
        rows = max(result.rows for result in own)
        table.add_row(
            suite.replace("_", " "), str(len(own)), str(len(own) - len(failed)), str(len(failed) - critical), str(critical), f"{rows:,}"
        )
    return table
