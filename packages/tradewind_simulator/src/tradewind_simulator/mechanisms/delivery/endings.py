"""Parcels whose way ended, with what the stages after it need."""

from dataclasses import dataclass

from tradewind_simulator.flows import Outcomes
from tradewind_simulator.streams import Floats, Integers

CAUSES = ("received", "theft", "misdelivery", "false_scan")
"""What became of a parcel that was scanned as delivered; all but the first are delivered and not received."""
RECEIVED, THEFT, MISDELIVERY, FALSE_SCAN = range(len(CAUSES))


@dataclass(frozen=True)
class Ended(Outcomes):
    """Outcomes with the parcel's price and place, and the true cause where it is not with the customer."""

    area: Integers
    address: Integers
    price: Integers
    freight: Integers
    quality: Floats
    """Of the merchant, at purchase."""
    siblings: Integers
    """Parcels of the order, with this one."""
    cause: Integers
    """Position in ``CAUSES``; 0 for what was sent back."""
    scan_m: Floats
    """Metres from the last scan to where the address was located."""
