"""The entity keys of a parcel: built alike when a training set is made and when a service is asked."""

from collections.abc import Mapping, Sequence

from tradewind_contracts.ids import prefix_lane_id, state_lane_id

NETWORK_ID = "all"
"""The one key of views of the whole network."""
LANE_PREFIX_DIGITS = 2
"""Digits of each end of a prefix lane; chosen: Brazil's first two digits are a region, and lanes of three are too thin."""
DESTINATION_PREFIX_DIGITS = 3
"""Digits of a destination prefix; chosen: Brazil's first three are a sub-sector, as fine as recent deliveries bear."""

PARCEL_KEY_PARTS = ("merchant_id", "category", "origin_postal_area_id", "origin_state", "destination_postal_area_id", "destination_state")
"""What :func:`parcel_keys` asks for: columns of the delivery label; a service takes the origin from the merchant's profile view."""

Texts = Sequence[str | None]


def parcel_keys(parts: Mapping[str, Texts]) -> dict[str, list[str | None]]:
    """The join key of each entity for ``n`` parcels, lists of ``n``; ``None`` where a part of it is not known.

    ``parts``: the columns of ``PARCEL_KEY_PARTS``, each [n].
    """
    merchant_id, category, origin_area_id, origin_state, area_id, state = (list(parts[name]) for name in PARCEL_KEY_PARTS)
    return {
        "merchant_id": merchant_id,
        "category": category,
        "postal_area_id": area_id,
        "destination_prefix_id": [None if area is None else area[:DESTINATION_PREFIX_DIGITS] for area in area_id],
        "destination_state": state,
        "state_lane_id": [_lane(origin, to) for origin, to in zip(origin_state, state, strict=True)],
        "prefix_lane_id": [_prefix_lane(origin, to) for origin, to in zip(origin_area_id, area_id, strict=True)],
        "network_id": [NETWORK_ID] * len(merchant_id),
    }


def _lane(origin: str | None, destination: str | None) -> str | None:
    return None if origin is None or destination is None else state_lane_id(origin, destination)


def _prefix_lane(origin: str | None, destination: str | None) -> str | None:
    return None if origin is None or destination is None else prefix_lane_id(origin, destination, LANE_PREFIX_DIGITS)
