"""What requests say of their parcels, as columns: totals over the items, areas, instants."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.ids import postal_area_id
from tradewind_features.online.assembly import Parcels
from tradewind_serving.questions import EtaRequest, Item

REQUEST_COLUMNS = ("price", "freight", "weight_g", "volume_cm3", "items_count", "category")
"""What the service can fill of a model's fields with the view ``request``."""


def parcels_of(requests: Sequence[EtaRequest], ordered_at: NDArray[np.datetime64]) -> Parcels:
    """The columns of ``requests``, in their order."""
    totals = [_totals(request) for request in requests]
    numbers = np.array(
        [
            (request.price, request.freight, weight, np.nan if volume is None else volume, count)
            for request, (weight, volume, count, _) in zip(requests, totals, strict=True)
        ],
        dtype=np.float64,
    )
    columns: dict[str, NDArray[Any]] = dict(zip(REQUEST_COLUMNS, numbers.T, strict=False))
    category = np.empty(len(requests), dtype=object)
    category[:] = [total[3] for total in totals]
    columns["category"] = category
    return Parcels(
        merchant_id=[request.merchant_id for request in requests],
        origin_area=[None if request.origin_postal_code is None else postal_area_id(request.origin_postal_code) for request in requests],
        destination_area=[postal_area_id(request.destination_postal_code) for request in requests],
        ordered_at=ordered_at,
        columns=columns,
    )


def _totals(request: EtaRequest) -> tuple[int, int | None, int, str | None]:
    """Weight, volume (None where one is unknown), units, and the category of the heaviest unit, as the label table has them."""
    if request.items is None:
        assert request.weight_g is not None
        return request.weight_g, request.volume_cm3, request.items_count or 1, request.category
    weight = sum(item.weight_g * item.quantity for item in request.items)
    count = sum(item.quantity for item in request.items)
    return weight, _volume(request.items), count, max(request.items, key=lambda item: item.weight_g).category


def _volume(items: Sequence[Item]) -> int | None:
    total = 0
    for item in items:
        if item.volume_cm3 is None:
            return None
        total += item.volume_cm3 * item.quantity
    return total
