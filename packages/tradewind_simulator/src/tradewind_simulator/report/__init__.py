"""The fidelity report: a simulated world beside real ones, with a distance for each thing that is compared."""

from tradewind_simulator.report.comparing import Comparison, compare

__all__ = ["Comparison", "compare"]
