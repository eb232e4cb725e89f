"""The source ``simulator``: a simulated marketplace, as ``tradewind simulate`` writes its observed part."""

from pathlib import Path

from tradewind_sources.source import Delivery, Progress, Source


def _open(data: Path) -> Delivery:
    # The simulator's packages cost half a second to load: only who lands a simulated world pays for them.
    from tradewind_sources.simulator.delivery import ObservedDelivery

    return ObservedDelivery(data)


def _prepare(destination: Path, progress: Progress) -> Path:
    from tradewind_sources.simulator.preparing import prepare

    return prepare(destination, progress)


SIMULATOR = Source(
    name="simulator",
    how_to_get="pass DATA=<folder of a simulated world>, or make one by `tradewind simulate --out <folder>`",
    open=_open,
    prepare=_prepare,
)

__all__ = ["SIMULATOR"]
