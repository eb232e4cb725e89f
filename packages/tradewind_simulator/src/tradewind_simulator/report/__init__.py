"""The fidelity report: a simulated world beside real ones, with a distance for each thing that is compared."""

from tradewind_simulator.report.comparing import Comparison, compare
from tradewind_simulator.report.page import write_report

__all__ = ["Comparison", "compare", "write_report"]
