"""What all mechanisms of a world share: its numbers, its days, its levers, and where rows are written."""

from dataclasses import dataclass

from tradewind_simulator.days import Days
from tradewind_simulator.exports import Exports
from tradewind_simulator.interventions import Interventions
from tradewind_simulator.streams import Streams
from tradewind_simulator.truth import Truth


@dataclass(frozen=True)
class Surroundings:
    """Given to each mechanism when it is made. ``orders_per_day`` is the scale of the world: mean orders of an early day."""

    seed: int
    orders_per_day: float
    days: Days
    streams: Streams
    interventions: Interventions
    exports: Exports
    truth: Truth
