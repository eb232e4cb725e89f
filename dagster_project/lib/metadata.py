"""Metadata that a person reads in the UI: counts, metrics as tables, plots, seconds."""

import base64
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall seconds so far, to the millisecond."""
        return round(time.perf_counter() - self._started, 3)


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """A stopwatch for the block."""
    yield Stopwatch()


def rows(count: int) -> dict[str, Any]:
    """Dagster's own row count, which it draws over time."""
    return {"dagster/row_count": count}


def plot(svg: Path, alt: str) -> dg.MarkdownMetadataValue:
    """A plot that stands in the metadata itself: no file server is needed to see it."""
    data = svg.read_bytes()
    return dg.MetadataValue.md(f"![{alt}](data:image/svg+xml;base64,{base64.b64encode(data).decode()})")


def metrics_table(models: Mapping[str, Mapping[str, float | None]]) -> dg.MarkdownMetadataValue:
    """Metrics of a model beside its baselines, as one Markdown table."""
    names = list(dict.fromkeys(name for metrics in models.values() for name in metrics))
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for model, metrics in models.items():
        lines.append(f"| {model} | " + " | ".join(_shown(metrics.get(name)) for name in names) + " |")
    return dg.MetadataValue.md("\n".join(lines))


def table(records: list[dict[str, Any]]) -> dg.MarkdownMetadataValue:
    """Records with equal keys as a Markdown table."""
    if not records:
        return dg.MetadataValue.md("none")
    names = list(records[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(_shown(record[name]) for name in names) + " |" for record in records]
    return dg.MetadataValue.md("\n".join(lines))


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
