"""Tables on the terminal: one look for all commands."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from tradewind_lifecycle.noise_floor import NoiseFloor

PROVES_CODE = "[yellow]simulated data[/]: a win here proves the code, never the method; it says nothing of a real marketplace"
"""Said wherever the command shows results of a simulated world."""

METRICS = {
    "mae_days": "MAE of p50, days",
    "pinball_p10": "pinball p10",
    "pinball_p90": "pinball p90",
    "coverage": "in [p10, p90]",
    "width_days": "width, days",
}
"""Metrics of the ETA that are shown, with their headings; 80 % of parcels should arrive within [p10, p90]."""


def metrics_table(title: str, metrics: Mapping[str, Mapping[str, float | None]]) -> Table:
    """Metrics by model: one line each, the first is ours; what a model has no value for is a dash."""
    names = [name for name in METRICS if any(name in values for values in metrics.values())]
    table = plain_table(title, "", [METRICS[name] for name in names])
    for who, values in metrics.items():
        table.add_row(who.replace("_", " "), *(number(values.get(name)) for name in names))
    return table


def floor_table(floor: "NoiseFloor | str") -> Table | str:
    """Errors beside the noise floor: MAE and its ratio to what nobody could avoid; or why there is none."""
    if isinstance(floor, str):
        return floor
    title = f"Beside the noise floor, {floor.parcels:,} parcels"
    table = plain_table(title, "", ("MAE of p50, days", "of the floor"))
    table.add_row("noise floor", number(floor.floor_mae_days), number(1.0))
    for who, mae in floor.mae_days.items():
        table.add_row(who.replace("_", " "), number(mae), number(floor.ratios[who]))
    return table


def plain_table(title: str, first: str, others: Sequence[str]) -> Table:
    """An empty table: its first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def number(value: float | None, digits: int = 3) -> str:
    """A number as shown; a dash for none."""
    return "–" if value is None else f"{value:.{digits}f}"
