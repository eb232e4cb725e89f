"""Keys that more than one package builds: the same function everywhere, so that they can't drift."""

import hashlib
import hmac


def parcel_id(order_id: str, merchant_id: str) -> str:
    """The id of a parcel where the source has none: one per order and merchant."""
    return f"{order_id}:{merchant_id}"


def state_lane_id(origin_state: str, destination_state: str) -> str:
    """The key of a lane between states, such as ``SP-RJ``."""
    return f"{origin_state}-{destination_state}"


def prefix_lane_id(origin_postal_area_id: str, destination_postal_area_id: str, digits: int) -> str:
    """The key of a lane between postal prefixes, such as ``130-225`` for three digits."""
    return f"{origin_postal_area_id[:digits]}-{destination_postal_area_id[:digits]}"


def postal_area_id(postal_code: str, digits: int = 5) -> str:
    """The postal area of a postal code: its first ``digits`` digits.

    Raises:
        ValueError: fewer digits than that.
    """
    found = "".join(c for c in postal_code if c.isdigit())
    if len(found) < digits:
        raise ValueError(f"postal code {postal_code!r} has fewer than {digits} digits")
    return found[:digits]


def pseudonym(key: str, field: str, value: str) -> str:
    """``value`` of ``field`` as the prediction log keeps what it must not name: HMAC-SHA256 under ``key``, in hexadecimal.

    The same value has the same pseudonym as long as the key is the same, so that rows can be joined and erased by whoever has the key.
    The field is part of what is hashed: equal values of two fields can't be told to be equal.
    """
    return hmac.new(key.encode(), f"{field}:{value}".encode(), hashlib.sha256).hexdigest()
