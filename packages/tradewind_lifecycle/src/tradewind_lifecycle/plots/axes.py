"""Scales and axes: where a value stands, and which round numbers are written beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tradewind_lifecycle.plots.svg import Drawing


@dataclass(frozen=True)
class Scale:
    """A linear scale from values [low, high] to positions [start, end]."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, *, zero: bool = False, margin: float = 0.08) -> "Scale":
        """The scale that shows all ``values`` with some room; with ``zero`` from 0 on, unless one lies below."""
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        room = (high - low) * margin or abs(high) * margin or 1.0
        return cls(low if zero and low == 0 else low - room, high if zero and high == 0 else high + room, start, end)

    def __call__(self, value: float) -> float:
        """The position of ``value``."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round numbers within the scale, about that many."""
        rough = (self.high - self.low) / max(about, 1)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """A number as an axis and a mark say it: four significant digits."""
    text = f"{value:,.4g}"
    return f"{value:,.0f}" if "e" in text and abs(value) >= 1 else ("0" if value == 0 else text)


def bottom_axis(drawing: Drawing, scale: Scale, top: float, bottom: float, label: str, about: int = 5) -> None:
    """Grid lines, numbers below them and the axis's name."""
    for tick in scale.ticks(about):
        drawing.line([(scale(tick), top), (scale(tick), bottom)], "rule")
        drawing.text(scale(tick), bottom + 16, number(tick), "soft", "middle")
    if label:
        drawing.text((scale.start + scale.end) / 2, bottom + 33, label, "soft", "middle")


def left_axis(drawing: Drawing, scale: Scale, left: float, right: float, about: int = 4) -> None:
    """Grid lines, and numbers left of them."""
    for tick in scale.ticks(about):
        drawing.line([(left, scale(tick)), (right, scale(tick))], "rule")
        drawing.text(left - 6, scale(tick) + 4, number(tick), "soft", "end")
