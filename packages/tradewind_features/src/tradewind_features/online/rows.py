"""What a reader answers: whether there are values of an entity, which, and how old they are."""

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.errors import IntegrityError
from tradewind_features.online.backend import EntityKey, StoredRow, ViewSpec
from tradewind_features.online.packing import PackedSchema
from tradewind_features.online.unpacking import damaged, fingerprint_of, unpack

US_PER_HOUR = 3_600_000_000
_NAT = np.iinfo(np.int64).min
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_US = dt.timedelta(microseconds=1)

Values = NDArray[np.float64] | NDArray[np.object_]


class Presence(enum.IntEnum):
    """Whether an entity has values in a view: never had any, has them, or has only values past their ttl."""

    ABSENT = 0
    PRESENT = 1
    EXPIRED = 2


# An enumeration's member costs a microsecond to look up in Python 3.11.
ABSENT, PRESENT, EXPIRED = (int(presence) for presence in (Presence.ABSENT, Presence.PRESENT, Presence.EXPIRED))


@dataclass(frozen=True)
class ViewRows:
    """The values of ``n`` entities in one view, in the order asked.

    ``values``: by feature, float64 [n] for numbers, booleans and instants (NaN where null, absent or expired; integers are exact to
    2**53, instants are seconds since 1970), object [n] with ``None`` for text and bytes. ``presence``: int8 [n] of :class:`Presence`.
    ``event_at``, ``created_at``: datetime64[us] [n], UTC, NaT where absent; known also for expired rows. ``now``: the instant that ages
    and ttl refer to.
    """

    view: str
    values: Mapping[str, Values]
    presence: NDArray[np.int8]
    event_at: NDArray[np.datetime64]
    created_at: NDArray[np.datetime64]
    now: np.datetime64

    @cached_property
    def age_hours(self) -> NDArray[np.float64]:
        """Hours from the row's event to ``now``, float64 [n]; NaN unless present, as in training sets; negative if ``now`` is earlier."""
        age = (self.now - self.event_at).astype(np.int64) / US_PER_HOUR
        return np.where(self.presence == PRESENT, age, np.nan)


@dataclass(frozen=True)
class Fetched:
    """What a store held in one snapshot: its views and schemas, and the rows of each view asked, in order (``None``: absent)."""

    location: str
    specs: Mapping[str, ViewSpec]
    schemas: Mapping[int, PackedSchema]
    rows: Mapping[str, Sequence[StoredRow | None]]

    def sound(self, view: str, keys: Sequence[EntityKey | None], places: Sequence[int]) -> dict[int, list[int]]:
        """The ``places`` of a view's rows by the fingerprint of their schema.

        Raises:
            IntegrityError: a row among them is damaged, or of an unknown schema; names the view and the keys.
        """
        rows = self.rows[view]
        packed = [row[2] for place in places if (row := rows[place]) is not None]
        torn = damaged(packed)
        groups: dict[int, list[int]] = {}
        if not torn:
            for place, bytes_of_row in zip(places, packed, strict=True):
                groups.setdefault(fingerprint_of(bytes_of_row), []).append(place)
            torn = [places.index(found[0]) for fingerprint, found in groups.items() if fingerprint not in self.schemas]
        if torn:
            named = ", ".join(repr(keys[places[index]]) for index in torn[:5]) + (", …" if len(torn) > 5 else "")
            raise IntegrityError(
                f"online store {self.location}, view {view!r}: the row of {named} is damaged (torn, altered or of an unknown schema)"
                " and is not served; materialize the view again, whole; the other keys can be read without it"
            )
        return groups


def microseconds(instant: dt.datetime) -> int:
    """Microseconds since 1970 of a zoned instant.

    Raises:
        ValueError: it has no zone.
    """
    if instant.tzinfo is None:
        raise ValueError(f"an instant carries a zone (found: {instant.isoformat()})")
    return (instant - _EPOCH) // _US


def view_rows(fetched: Fetched, view: str, keys: Sequence[EntityKey | None], now_us: int) -> ViewRows:
    """One view's answer; see :class:`ViewRows`.

    Raises:
        IntegrityError: a row that would be served is damaged.
    """
    spec, rows = fetched.specs[view], fetched.rows[view]
    event = np.array([_NAT if row is None else row[0] for row in rows], dtype=np.int64)
    created = np.array([_NAT if row is None else row[1] for row in rows], dtype=np.int64)
    presence = (event != _NAT).view(np.int8)  # ABSENT is 0, PRESENT is 1
    if spec.ttl_us:
        presence[(event != _NAT) & (event < now_us - spec.ttl_us)] = EXPIRED
    return ViewRows(
        view=view,
        values=_values(fetched, spec, keys, np.flatnonzero(presence == PRESENT).tolist()),
        presence=presence,
        event_at=event.view("datetime64[us]"),
        created_at=created.view("datetime64[us]"),
        now=np.datetime64(now_us, "us"),
    )


def _values(fetched: Fetched, spec: ViewSpec, keys: Sequence[EntityKey | None], places: list[int]) -> dict[str, Values]:
    rows = fetched.rows[spec.view]
    numbers = np.full((len(rows), len(spec.schema.fields)), np.nan)
    values: dict[str, Values] = {name: numbers[:, index] for index, name in enumerate(spec.schema.names)}
    values |= {name: np.full(len(rows), None, dtype=object) for name in spec.schema.texts}
    for fingerprint, found in fetched.sound(spec.view, keys, places).items():
        schema = fetched.schemas[fingerprint]
        unpacked = unpack(schema, [row[2] for place in found if (row := rows[place]) is not None])
        if fingerprint == spec.schema.fingerprint:
            numbers[found] = unpacked.numbers
        else:
            _take_older(values, spec.schema, schema, unpacked.numbers, found)
        for name in schema.texts & spec.schema.texts:
            values[name][found] = unpacked.texts[name]
    return values


def _take_older(
    values: dict[str, Values], schema: PackedSchema, older: PackedSchema, numbers: NDArray[np.float64], places: list[int]
) -> None:
    for index, name in enumerate(older.names):
        if name in values and name not in schema.texts:
            values[name][places] = numbers[:, index]
