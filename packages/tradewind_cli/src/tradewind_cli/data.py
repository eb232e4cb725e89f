"""Commands about data: fetch an archive, backtest on one, score with the champion."""

from pathlib import Path
from typing import Annotated

import typer


def fetch(
    source: Annotated[str, typer.Argument(help="Source to fetch, such as olist.")],
    to: Annotated[Path, typer.Option(help="Folder to put the archive in.")] = Path("data"),
) -> None:
    """Fetch a source's public archive (needs the extra: pip install kagglehub)."""
    from tradewind_sources import fetch as fetch_archive

    typer.echo(f"{source}: in {fetch_archive(to, source)}; next: make run SOURCE={source} DATA={to}")


def backtest(
    family: Annotated[str, typer.Argument(help="Model family, such as eta.")],
    as_of: Annotated[str, typer.Option(help="Fit on what was known at this instant (a date is the start of that local day).")],
    out: Annotated[Path, typer.Option(help="Parquet file to write: one row per parcel.")],
    source: Annotated[str | None, typer.Option(help="Source of the data.", show_default="simulator")] = None,
    data: Annotated[Path | None, typer.Option(help="Zip or folder with the source's files; the simulator makes its own without.")] = None,
    days: Annotated[int, typer.Option(min=1, help="Days after as_of whose orders are scored.")] = 30,
) -> None:
    """Fit on what was known at as_of, then score every order of the following days as it would have been at its purchase."""
    from tradewind_cli import backtesting

    backtesting.backtest(family, as_of=as_of, days=days, out=out, source=source, data=data)


def score(
    family: Annotated[str, typer.Argument(help="Model family, such as eta.")],
    start: Annotated[str, typer.Option("--from", help="First instant of the span (a date is the start of that local day).")],
    end: Annotated[str, typer.Option("--to", help="End of the span, not in it.")],
    out: Annotated[Path, typer.Option(help="Parquet file to write: one row per parcel.")],
    source: Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")] = None,
    world: Annotated[str | None, typer.Option(help="The world whose champion scores.", show_default="the source's")] = None,
) -> None:
    """Score every order of a span with the champion, each with the features that it would have had at its purchase."""
    from tradewind_cli import backtesting

    backtesting.score(family, start=start, end=end, out=out, source=source, world=world)
