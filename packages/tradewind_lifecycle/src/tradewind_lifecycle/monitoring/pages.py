"""A watch as text, JSON and one page with its plot; written whole under the home's reports/monitoring."""

import html
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Gate
from tradewind_lifecycle.monitoring.judging import State
from tradewind_lifecycle.monitoring.standing import write_standing
from tradewind_lifecycle.monitoring.watch import Watch
from tradewind_lifecycle.monitoring.watching import WindowReport, newest_state
from tradewind_models.eta.monitors import CLAIMED_COVERAGE, CLAIMED_OVERDUE, DRIFT_MONITORS, LIVE_MONITORS, MONITORS

COLUMNS: tuple[tuple[str, Callable[[WindowReport], str]], ...] = (
    ("answers", lambda report: f"{report.drift.rows:,}"),
    ("known", lambda report: f"{report.live.delivered:,}"),
    ("under way", lambda report: f"{report.live.under_way:,}"),
    ("took, days", lambda report: _number(report.live.mean_days, 1)),
    ("MAE", lambda report: _number(report.live.mae_days)),
    ("lane MAE", lambda report: _number(report.live.lane_mae_days)),
    ("bias", lambda report: _number(report.live.bias_days, signed=True)),
    ("by p50", lambda report: _number(report.live.below_p50)),
    ("covered", lambda report: _number(report.live.coverage)),
    ("overdue", lambda report: _number(report.live.overdue)),
    ("fires", lambda report: ", ".join(finding.monitor for finding in report.fired) or ("–" if report.judged else "nothing to judge")),
)
"""A line per window: heading, and the text of a report."""
SIMULATED = "simulated data: it proves the code, and says nothing of a real marketplace"


def text_of(watch: Watch) -> str:
    """The watch for a terminal: a line per window and version, then what fires and why, then the proposal."""
    lines = [_title(watch)]
    if watch.data_kind == "simulated":
        lines.append(SIMULATED)
    if watch.skipped:
        return "\n".join([*lines, f"nothing to judge: {watch.skipped}"])
    if watch.share < 1:
        lines.append(f"a sample: {watch.share:.2%} of the log's answers, drawn by their decision ids")
    for version, reports in watch.versions.items():
        lines += ["", version, *_table(reports)]
    if len(watch.versions) > 1:
        lines += ["", f"as served (whichever version answered, held against {watch.champion})", *_table(watch.served)]
    for reports in watch.versions.values():
        lines += _reasons(reports)
    lines += ["", _proposed(watch)]
    return "\n".join(lines)


def write_pages(watch: Watch, settings: Settings) -> tuple[Path, Path]:
    """Write the watch as JSON and as a page beside it; their paths. A watch of the log is also what the world's sensor reads. The newest watch, and the newest replay of a span, replace their own."""
    folder = settings.paths.reports / "monitoring" / settings.world_name
    stem = watch.family
    if watch.replayed and watch.served:
        stem = f"{watch.family}-replay-{watch.served[0].first}-{watch.served[-1].last}"
    data, page = folder / f"{stem}.json", folder / f"{stem}.html"
    if not watch.replayed:
        write_standing(watch.standing, settings, watch.family)
    write_text(data, watch.model_dump_json(indent=1) + "\n")
    write_text(page, html_of(watch))
    return data, page


def html_of(watch: Watch) -> str:
    """The watch as one page without scripts: the plot, then the text."""
    drawn = svg_of(watch.served) if watch.served else ""
    head = f'<!doctype html><meta charset="utf-8"><title>{html.escape(_title(watch))}</title>'
    style = "<style>body{font:15px sans-serif;margin:2rem auto;max-width:75rem}pre{overflow-x:auto}</style>"
    return f"{head}{style}\n{drawn}\n<pre>{html.escape(text_of(watch))}</pre>\n"


def svg_of(reports: Sequence[WindowReport]) -> str:
    """Errors, coverage and drift by window, as SVG."""
    from matplotlib.figure import Figure

    days = [report.first for report in reports]
    figure = Figure(figsize=(10, 7), layout="constrained")
    errors, shares, moved = figure.subplots(3, 1, sharex=True)
    for label, values in _lines(reports, ("mae_days", "lane_mae_days", "bias_days")):
        errors.plot(days, values, "o-", label=label)
    errors.axhline(0, color="#9aa5b1", linewidth=1)
    errors.set_ylabel("days")
    for label, values in _lines(reports, ("coverage", "overdue")):
        shares.plot(days, values, "o-", label=label)
    for level in (CLAIMED_COVERAGE, CLAIMED_OVERDUE):
        shares.axhline(level, color="#9aa5b1", linewidth=1, linestyle="--")
    shares.set(ylabel="share", ylim=(0, 1))
    for name in ("inputs", "outputs"):
        worst = [getattr(report.drift, name)[0].moved if getattr(report.drift, name) else float("nan") for report in reports]
        moved.plot(days, worst, "o-", label=f"most moved of the {name}")
    moved.set_ylabel("standard deviations")
    moved.tick_params(axis="x", rotation=60)
    for axes in (errors, shares, moved):
        axes.legend(loc="upper left", fontsize=8)
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()[out.getvalue().index("<svg") :]


def checks_of(watch: Watch) -> list[dict[str, Any]]:
    """One record per monitor for the graph: ``name``, ``live`` (else drift), ``passed``, ``judged``, ``value``, ``threshold``, ``reason``.

    The newest window that the monitor could judge counts. Where there is none it has nothing to judge: that is no failure, and it says so.
    """
    return [_check(watch, gate) for gate in MONITORS]


def _check(watch: Watch, gate: Gate) -> dict[str, Any]:
    finding = newest_state(watch.served, gate.name)
    window = next((report for report in reversed(watch.served) if finding in report.findings), None)
    why = watch.skipped or "nothing to judge yet: " + (
        watch.served[-1].findings[MONITORS.index(gate)].reason if watch.served else "no window"
    )
    return {
        "name": gate.name,
        "live": gate in LIVE_MONITORS,
        "passed": finding is None or finding.state is not State.FIRES,
        "judged": finding is not None,
        "value": finding.value if finding else None,
        "threshold": gate.threshold,
        "reason": f"week of {window.first}: {finding.reason}" if finding and window else why,
    }


def records_of(watch: Watch) -> list[dict[str, str]]:
    """The line of each window of each version, for a table."""
    return [
        {"version": version, "week of": report.first, **{name: text(report) for name, text in COLUMNS}}
        for version, reports in watch.versions.items()
        for report in reports
        if report.drift.rows
    ]


def _table(reports: Sequence[WindowReport]) -> list[str]:
    heads = ("window of", *(name for name, _ in COLUMNS))
    cells = [heads, *((report.first, *(text(report) for _, text in COLUMNS)) for report in reports if report.drift.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    last = len(heads) - 1
    aligned = (
        [
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in cells
    )
    return ["  " + "  ".join(row).rstrip() for row in aligned]


def _reasons(reports: Sequence[WindowReport]) -> list[str]:
    lines: list[str] = []
    for report in reports:
        if report.fired:
            lines += ["", f"{report.version}, {report.first} to {report.last} fires:"]
            lines += [f"  {finding.monitor}: {finding.reason}" for finding in report.fired]
            lines += [f"  beside it: {report.network}"] if report.network else []
    return lines


def _proposed(watch: Watch) -> str:
    if watch.replayed:
        told = [f"retrain would have been proposed ({shift.key}): {shift.reason}" for shift in watch.proposals]
        return "\n".join(told) or "no retrain would have been proposed: no monitor fired in two windows running"
    if watch.proposal is None:
        return "no retrain is proposed: no monitor fires in the newest two windows that it could judge"
    return f"retrain is proposed ({watch.proposal.key}): {watch.proposal.reason}"


def _title(watch: Watch) -> str:
    kind = "replay of" if watch.replayed else "log of"
    return f"{watch.family} in world {watch.world}: {kind} {watch.champion or 'no version'}, {len(DRIFT_MONITORS)} monitors of drift, {len(LIVE_MONITORS)} of errors"


def _lines(reports: Sequence[WindowReport], names: Sequence[str]) -> list[tuple[str, list[float]]]:
    def value(report: WindowReport, name: str) -> float:
        found = getattr(report.live, name)
        return float("nan") if found is None else float(found)

    return [(name.removesuffix("_days").replace("_", " "), [value(report, name) for report in reports]) for name in names]


def _number(value: float | None, digits: int = 2, signed: bool = False) -> str:
    return "–" if value is None else f"{value:{'+' if signed else ''}.{digits}f}"
