"""Lifecycle: publish, training sets, backtest, score, gates, cards; all that Dagster and the command line only call.

import tradewind_lifecycle as tw

frame = tw.training_set("eta", as_of="2018-04-01", source="olist").frame()
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind_lifecycle.sealed_frames import SealedFrame, training_set

__all__ = ["SealedFrame", "training_set"]


def __getattr__(name: str) -> Any:
    """What the package offers in one line, imported when it is asked for: importing the package alone stays quick."""
    if name in __all__:
        from tradewind_lifecycle import sealed_frames

        return getattr(sealed_frames, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
