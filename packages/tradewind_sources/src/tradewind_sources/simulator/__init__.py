"""The source ``simulator``: a simulated marketplace, as ``tradewind simulate`` writes its observed part."""

from tradewind_sources.simulator.delivery import ObservedDelivery
from tradewind_sources.simulator.preparing import prepare
from tradewind_sources.source import Source

SIMULATOR = Source(
    name="simulator",
    how_to_get="pass DATA=<folder of a simulated world>, or make one by `tradewind simulate --out <folder>`",
    open=ObservedDelivery,
    prepare=prepare,
)

__all__ = ["SIMULATOR"]
