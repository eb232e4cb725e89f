"""Plots as SVG text, drawn from what a version's row holds: small, readable in light and dark, with the numbers as tooltips."""

from tradewind_lifecycle.plots.evidence import draw
from tradewind_lifecycle.plots.svg import STYLE

__all__ = ["STYLE", "draw"]
