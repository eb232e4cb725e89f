"""`tradewind backtest` and `tradewind score`: one row per parcel, with the features that it would have had at its purchase."""

from pathlib import Path

from rich.markup import escape

from tradewind_cli.running import execute, settings_of_run, wide_console
from tradewind_cli.tables import PROVES_CODE, floor_table, metrics_table
from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.instants import parse_instant
from tradewind_contracts.settings import settings, use
from tradewind_contracts.world import World

FAMILIES = ("eta",)


def backtest(family: str, *, as_of: str, days: int, out: Path, source: str | None, data: Path | None) -> None:
    """Build the tables and features of the data in a world of their own (once), fit as of ``as_of``, score the following days.

    Raises:
        NotFoundError: there is no such family.
        TradewindError: the data can't be used, or as_of lies outside of it.
    """
    _known(family)
    console = wide_console()
    built = settings_of_run(source, data, None, world=f"{source or settings().source}-backtest")
    execute("features_only", built, console)
    from dagster_project.lib.archives import data_of
    from tradewind_lifecycle.backtest import backtest as run_backtest
    from tradewind_lifecycle.noise_floor import floor_of_file
    from tradewind_lifecycle.provenance import data_kind

    instant = parse_instant(as_of, World.read(built.paths.world_file).zone)
    report = run_backtest(built, family, instant, days, out, progress=lambda line: console.print(f"  [dim]{escape(line)}[/]"))
    title = f"{family} as of {as_of}, {days} days: {report.delivered:,} parcels that the archive shows delivered (of {report.rows:,})"
    kind = data_kind(built)
    console.print(metrics_table(f"{title}, {kind} data", report.metrics))
    for baseline, (mean, low, high) in report.differences.items():
        console.print(f"MAE less that of {baseline.replace('_', ' ')}: {mean:+.3f} days (95 % paired bootstrap: {low:+.3f} to {high:+.3f})")
    if kind == "simulated":
        console.print(floor_table(floor_of_file(built, data_of(built, lambda _: None), out, family)))
        console.print(PROVES_CODE)
    console.print(f"{report.rows:,} parcels → {escape(str(out))}")


def score(family: str, *, start: str, end: str, out: Path, source: str | None, world: str | None) -> None:
    """Score every order from ``start`` to ``end`` with the champion of a world.

    Raises:
        NotFoundError: there is no such family, or no champion.
    """
    _known(family)
    console = wide_console()
    from tradewind_lifecycle.scoring import score as run_score

    chosen = use(source=source, world=world)
    zone = World.read(chosen.paths.world_file).zone
    report = run_score(
        chosen,
        parse_instant(start, zone),
        parse_instant(end, zone),
        out,
        progress=lambda line: console.print(f"  [dim]{escape(line)}[/]"),
    )
    console.print(f"{report.rows:,} parcels scored with {report.version} → {escape(str(out))}")


def _known(family: str) -> None:
    if family not in FAMILIES:
        raise NotFoundError(f"no model family {family!r}; there are: {', '.join(FAMILIES)}")
