"""`tradewind backtest` and `tradewind score`: one row per parcel, with the features that it would have had at its purchase."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from tradewind_cli.running import execute, settings_of_run
from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.settings import settings

FAMILIES = ("eta",)


def backtest(family: str, *, as_of: str, days: int, out: Path, source: str, data: Path | None) -> None:
    """Build the tables and features of the data in a world of their own (once), fit as of ``as_of``, score the following days.

    Raises:
        NotFoundError: there is no such family.
        TradewindError: the data can't be used, or as_of lies outside of it.
    """
    _known(family)
    console = Console(highlight=False)
    built = settings_of_run(source, data, None, world=f"{source}-backtest")
    execute("features_only", built, console)
    from tradewind_lifecycle.backtest import backtest as run_backtest

    report = run_backtest(built, family, as_of=as_of, days=days, out=out, progress=lambda line: console.print(f"  [dim]{line}[/]"))
    console.print(_table(f"{family} as of {as_of}, {days} days, all parcels that the archive shows delivered", report.metrics))
    console.print(f"{report.rows:,} parcels → {out}")


def score(family: str, *, start: str, end: str, out: Path) -> None:
    """Score every order from ``start`` to ``end`` with the champion.

    Raises:
        NotFoundError: there is no such family, or no champion.
    """
    _known(family)
    console = Console(highlight=False)
    from tradewind_lifecycle.scoring import score as run_score

    report = run_score(settings(), start, end, out, progress=lambda line: console.print(f"  [dim]{line}[/]"))
    console.print(f"{report.rows:,} parcels scored with {report.version} → {out}")


def _known(family: str) -> None:
    if family not in FAMILIES:
        raise NotFoundError(f"no model family {family!r}; there are: {', '.join(FAMILIES)}")


def _table(title: str, metrics: list[dict[str, object]]) -> Table:
    table = Table(title=title, title_justify="left")
    names = list(dict.fromkeys(name for row in metrics for name in row))
    for name in names:
        table.add_column(name, justify="left" if name == "model" else "right")
    for row in metrics:
        table.add_row(*(_cell(row.get(name)) for name in names))
    return table


def _cell(value: object) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
