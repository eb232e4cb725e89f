"""The parity report as a file: JSON for programs, Markdown or HTML for people, one line per feature with its reasons."""

import html
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.files import write_text
from tradewind_contracts.instants import iso
from tradewind_lifecycle.parity.report import FeatureParity, ParityReport, summary

HEADINGS = ("view", "feature", "vectors", "differing", "greatest difference", "null share online", "null share offline", "reasons")
_STYLE = (
    "body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left}"
)


def write_report(report: ParityReport, path: Path) -> None:
    """Write the report to ``path``, in the form that its ending names: ``.json``, ``.md`` or ``.html``.

    Raises:
        SettingsError: another ending.
        StateError: the file system refuses.
    """
    form = FORMS.get(path.suffix)
    if form is None:
        raise SettingsError(f"{path}: a report ends in one of {', '.join(FORMS)} (found: {path.suffix or 'no ending'})")
    write_text(path, form(report))


def as_json(report: ParityReport) -> str:
    """Everything that was found, as plain JSON."""
    content = {
        "service": report.service,
        "passed": report.passed,
        "is_enough": report.is_enough,
        "vectors": report.vectors,
        "parcels": report.parcels,
        "compared": [{"at": iso(record.at), "vectors": record.vectors, "published": record.published} for record in report.compared],
        "dropped": report.dropped,
        "stale": {view: {"online": online, "registered": registered} for view, (online, registered) in report.stale.items()},
        "null_shares": {view.view: {"online": view.null_share_online, "offline": view.null_share_offline} for view in summary(report)},
        "features": [asdict(found) for found in report.features],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def as_markdown(report: ParityReport) -> str:
    """The features as a table, after what was compared and before samples of what differs."""
    lines = [f"# Parity of {report.service}", "", *said(report), "", f"| {' | '.join(HEADINGS)} |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in _cells(found)) + " |" for found in report.features]
    for found in report.features:
        if found.samples:
            lines += ["", f"## {found.view}:{found.feature}", "", *(f"* {_sample(sample)}" for sample in found.samples)]
    return "\n".join(lines) + "\n"


def as_html(report: ParityReport) -> str:
    """The same as a page without scripts or other files."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in HEADINGS)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(found)) + "</tr>" for found in report.features)
    sentences = "".join(f"<p>{html.escape(line)}</p>" for line in said(report))
    samples = "".join(
        f"<h2>{html.escape(f'{found.view}:{found.feature}')}</h2><ul>"
        + "".join(f"<li>{html.escape(_sample(sample))}</li>" for sample in found.samples)
        + "</ul>"
        for found in report.features
        if found.samples
    )
    title = html.escape(f"Parity of {report.service}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1>{sentences}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{samples}</body></html>\n"
    )


FORMS: Mapping[str, Callable[[ParityReport], str]] = {".json": as_json, ".md": as_markdown, ".html": as_html}
"""By ending."""


def said(report: ParityReport) -> list[str]:
    """What was compared, what could not be, and what stands otherwise online, in sentences."""
    instants = ", ".join(f"{iso(record.at)} ({record.vectors:,})" for record in report.compared)
    lines = [f"{report.vectors:,} served vectors derived again, of the materializations to {instants}."]
    if not report.is_enough:
        lines.append(f"Fewer than asked for, of {report.parcels:,} parcels that were ever ordered.")
    lines += [f"The record of {at} can't be judged any more: {reason}." for at, reason in report.dropped.items()]
    lines += [
        f"{view}: online holds {online or 'nothing'}, registered is {registered}." for view, (online, registered) in report.stale.items()
    ]
    return lines


def _cells(found: FeatureParity) -> list[str]:
    return [
        found.view,
        found.feature,
        f"{found.vectors:,}",
        f"{found.differing:,}",
        f"{found.greatest:.3g}",
        f"{found.nulls_online / found.vectors:.4f}",
        f"{found.nulls_offline / found.vectors:.4f}",
        "; ".join(f"{reason} ({count:,})" for reason, count in found.reasons.items()),
    ]


def _sample(sample: Mapping[str, object]) -> str:
    return f"{sample['parcel_id']} at {sample['at']}: online {sample['online']}, offline {sample['offline']}: {sample['reason']}"
