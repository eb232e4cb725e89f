"""What `tradewind simulate` does and shows: progress, rows by table, planted dirt, time, memory, and what to do next."""

import contextlib
import datetime as dt
import resource
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tradewind_cli.running import wide_console
from tradewind_cli.tables import plain_table

if TYPE_CHECKING:
    from tradewind_simulator import Simulated

DIRT = "dirt"
"""The truth table that counts planted junk rows: table, reason, day, rows_count."""


def simulate_world(out: Path, *, preset: str, wanted: Mapping[str, float], interventions: Sequence[str], threads: int | None) -> None:
    """Simulate a fresh world into ``out``: the scale of ``preset``, with what is ``wanted`` otherwise (seed, days, orders_per_day).

    Raises:
        SettingsError: no such preset, an impossible parameter, or an intervention that can't be read.
        StateError: ``out`` exists, or can't be written; it is absent then.
    """
    import tradewind_simulator

    parameters = tradewind_simulator.preset(preset, **wanted)
    console = wide_console()
    console.print(
        f"[bold]tradewind simulate[/]  preset {preset}{''.join(f', {name} {value:g}' for name, value in wanted.items())} → {escape(str(out))}"
    )
    with _told(console, threads) as progress:
        made = tradewind_simulator.simulate(parameters, out, progress, interventions)
    _show(made, out, console)


def extend_world(out: Path, *, days: int, threads: int | None) -> None:
    """Add ``days`` to the world in ``out``.

    Raises:
        SettingsError: ``days`` is below 1.
        SourceError: ``out`` is no simulated world.
        StateError: it can't be continued or written; it is as it was.
    """
    import tradewind_simulator

    console = wide_console()
    with _told(console, threads) as progress:
        made = tradewind_simulator.extend(out, days, progress)
    first = dt.date.fromisoformat(made.newest_day) - dt.timedelta(days=made.days - 1)
    _show(made, out, console, since=first.isoformat())


def report_on(data: Path, out: Path, real: Path | None) -> None:
    """Write the fidelity report of the world in ``data`` to ``out``.

    Raises:
        TradewindError: there is no world, the real data can't be read, or ``out`` can't be written.
    """
    from tradewind_simulator.report import write_report

    console = wide_console()
    # Its lines are the answer: each is printed, on a terminal too.
    write_report(data, out, real, lambda line: console.print(escape(line)))
    console.print(f"fidelity of {escape(str(data))} → [bold]{escape(str(out))}[/]")


@contextlib.contextmanager
def _told(console: Console, threads: int | None) -> Iterator[Callable[[str], None]]:
    """Progress: on a terminal one line that changes, elsewhere a line each time."""
    if threads is not None:
        import pyarrow as pa

        pa.set_cpu_count(threads)
    if not console.is_terminal:
        yield lambda line: console.print(escape(line))
        return
    with console.status("beginning …") as status:
        yield lambda line: status.update(escape(line))


def _show(made: "Simulated", out: Path, console: Console, since: str = "") -> None:
    console.print(_rows(made, _dirt(out, since)))
    console.print(
        f"{made.days:,} {'day' if made.days == 1 else 'days'} up to {made.newest_day} in {made.seconds:.1f} s, at most {_peak_megabytes():,.0f} MB of memory"
    )
    where = escape(str(out))
    console.print(f"simulated data: [bold]{where}/observed[/] is for the pipeline, {where}/truth for evaluations only")
    console.print(f"next: [bold]make run DATA={where}[/]   tradewind simulate --continue --out {where}   tradewind simulate report {where}")


def _rows(made: "Simulated", dirt: Mapping[str, int]) -> Table:
    table = plain_table("Written", "table", ("rows", "of them planted dirt"))
    for name, rows in sorted(made.rows.items()):
        table.add_row(name, f"{rows:,}", f"{dirt[name]:,}" if name in dirt else "")
    table.add_section()
    for name, rows in sorted(made.truth_rows.items()):
        table.add_row(f"truth: {name}", f"{rows:,}", "")
    return table


def _dirt(out: Path, since: str) -> dict[str, int]:
    """Rows of planted dirt in the files of the days from ``since`` (ISO; empty: from the first) on, by table."""
    from tradewind_contracts.errors import NotFoundError
    from tradewind_simulator import truth

    try:
        found = truth.read(out, DIRT)
    except NotFoundError:
        return {}
    counts: dict[str, int] = {}
    for row in found.to_pylist():
        if row["day"] < since:
            continue
        counts[row["table"]] = counts.get(row["table"], 0) + row["rows_count"]
    return counts


def _peak_megabytes() -> float:
    """The most memory that this process has held; the system counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3 / 1.024)
