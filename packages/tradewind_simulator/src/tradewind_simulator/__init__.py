"""The simulator: a marketplace with planted truth. What a platform would have observed is written apart from what was really so.

``simulate(preset("tiny"), Path("world"), print)`` makes a world; ``extend`` adds days to it; ``truth.read`` is for evaluations.
"""

from tradewind_simulator.parameters import PRESETS, Parameters, preset
from tradewind_simulator.simulation import Simulated, extend, simulate

__all__ = ["PRESETS", "Parameters", "Simulated", "extend", "preset", "simulate"]
