"""The entity keys of a parcel: built alike when a training set is made and when a service is asked."""

from collections.abc import Sequence

from tradewind_contracts.ids import prefix_lane_id, state_lane_id

NETWORK_ID = "all"
"""The one key of views of the whole network."""
LANE_PREFIX_DIGITS = 2
"""Digits of each end of a prefix lane; chosen: Brazil's first two digits are a region, and lanes of three are too thin."""
DESTINATION_PREFIX_DIGITS = 3
"""Digits of a destination prefix; chosen: Brazil's first three are a sub-sector, as fine as recent deliveries bear."""

Texts = Sequence[str | None]


def parcel_keys(
    merchant_id: Texts, origin_area_id: Texts, origin_state: Texts, area_id: Texts, state: Texts
) -> dict[str, list[str | None]]:
    """The join key of each entity for ``n`` parcels, lists of ``n``; ``None`` where a part of it is not known.

    ``origin_area_id``, ``origin_state``: where the merchant ships from; ``area_id``, ``state``: the destination.
    """
    return {
        "merchant_id": list(merchant_id),
        "postal_area_id": list(area_id),
        "destination_prefix_id": [None if area is None else area[:DESTINATION_PREFIX_DIGITS] for area in area_id],
        "destination_state": list(state),
        "state_lane_id": [_lane(origin, to) for origin, to in zip(origin_state, state, strict=True)],
        "prefix_lane_id": [_prefix_lane(origin, to) for origin, to in zip(origin_area_id, area_id, strict=True)],
        "network_id": [NETWORK_ID] * len(merchant_id),
    }


def _lane(origin: str | None, destination: str | None) -> str | None:
    return None if origin is None or destination is None else state_lane_id(origin, destination)


def _prefix_lane(origin: str | None, destination: str | None) -> str | None:
    return None if origin is None or destination is None else prefix_lane_id(origin, destination, LANE_PREFIX_DIGITS)
