"""Why a served value differs from its derivation: looked up in the datasets, row by row.

For each differing value the row that answered online (event and created time, as recorded) is held against the newest row that was known
at the instant, as the published dataset has it.
"""

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tradewind_features.datasets import open_dataset, quoted
from tradewind_features.keys import parcel_keys
from tradewind_features.online.assembly import AGE, AREA_LOCATION, MERCHANT_PROFILE, ON_DEMAND, PLACES, PRESENT
from tradewind_lifecycle import training_sets
from tradewind_lifecycle.parity.records import PRESENCE, ROW_CREATED, ROW_EVENT, ROW_KEY

Stamps = tuple[int, int]
"""Event and created time of a row, microseconds since 1970 (UTC)."""


class Reason(enum.StrEnum):
    """What makes a served value another than its derivation."""

    NOT_ONLINE = "the online store has no such feature"
    KEY = "another key: the places differ"
    LATE = "late data: a row known at the instant is not online"
    FUTURE = "a row from after the instant is online"
    WITHDRAWN = "another publication: the row online is not in the dataset"
    REWRITTEN = "rewritten row or another publication: same instants, other value"
    EXPIRY = "expiry: past its time to live on one side only"
    TYPE = "type: the same value, stored otherwise"
    JOIN = "the join gave another value than the dataset has"
    INPUT = "inputs differ: see the views of the places"
    FORMULA = "another formula"


@dataclass(frozen=True)
class KnownRow:
    """The newest row of an entity that was known at an instant, as the dataset has it."""

    stamps: Stamps
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Sides:
    """One view of one record on both sides. ``online``: the recorded rows; ``offline``: the derived ones; ``view``: Feast's."""

    online: pa.Table
    offline: pa.Table
    view: Any
    at_us: int

    @property
    def ttl_us(self) -> int:
        """Microseconds that a row lives; 0 for ever."""
        return (self.view.ttl or dt.timedelta()) // dt.timedelta(microseconds=1)

    @property
    def key_name(self) -> str:
        """The view's join key."""
        return str(self.view.entity_columns[0].name)


def explain(sides: Sides, failing: Mapping[str, NDArray[np.bool_]], pushed: Path | None) -> dict[str, list[Reason]]:
    """For each feature of the view, the reason of each failing row, in order. ``failing``: by feature, bool [n]."""
    places = np.flatnonzero(np.any(list(failing.values()), axis=0)).tolist()
    keys, asked = _keys(sides), sides.online[sides.view.name + ROW_KEY].to_pylist()
    known = _known(sides, sorted({key for place in places if (key := keys[place]) is not None}), pushed)
    by_row: dict[int, tuple[KnownRow | None, Reason | None]] = {}
    for place in places:
        row = known.get(keys[place] or "")
        by_row[place] = (row, Reason.KEY if asked[place] != keys[place] else _of_rows(sides, place, row))

    def reason(feature: str, place: int) -> Reason:
        if f"{sides.view.name}__{feature}" not in sides.online.column_names:
            return Reason.NOT_ONLINE
        known_row, of_rows = by_row[place]
        return of_rows or _of_values(sides, feature, place, known_row)

    return {feature: [reason(feature, place) for place in np.flatnonzero(mask).tolist()] for feature, mask in failing.items()}


def explain_on_demand(view: str, failing: Mapping[str, NDArray[np.bool_]], places_fail: NDArray[np.bool_]) -> dict[str, list[Reason]]:
    """The same of a view that is computed at request time: another formula, unless a place that it is computed from differs itself."""
    assert view in ON_DEMAND
    return {
        feature: [Reason.INPUT if places_fail[place] else Reason.FORMULA for place in np.flatnonzero(mask).tolist()]
        for feature, mask in failing.items()
    }


def place_columns() -> list[str]:
    """The columns of a vector that request-time features and lane keys are computed from."""
    return sorted(f"{view}__{name}" for view, name in PLACES)


def _keys(sides: Sides) -> list[str | None]:
    """The view's keys as the offline side builds them."""
    parts = {name: sides.offline[name].to_pylist() for name in training_sets.PARCEL_COLUMNS}
    parts |= {
        "origin_postal_area_id": sides.offline[f"{MERCHANT_PROFILE}__postal_area_id"].to_pylist(),
        "origin_state": sides.offline[f"{MERCHANT_PROFILE}__state"].to_pylist(),
        "destination_state": sides.offline[f"{AREA_LOCATION}__state"].to_pylist(),
    }
    return parcel_keys(parts)[sides.key_name]


def _of_rows(sides: Sides, place: int, known: KnownRow | None) -> Reason | None:
    """The reason that lies in which row answered; ``None`` where both sides have the same one, alive or not on both."""
    name = sides.view.name
    online = _stamps(sides.online, name, place)
    if online is not None and max(online) > sides.at_us:
        return Reason.FUTURE
    if known is None:
        return Reason.WITHDRAWN if online is not None else Reason.JOIN
    if online is None or online < known.stamps:
        return Reason.LATE
    if online > known.stamps:
        return Reason.WITHDRAWN
    alive = sides.ttl_us == 0 or known.stamps[0] >= sides.at_us - sides.ttl_us
    served = sides.online[name + PRESENCE][place].as_py() == PRESENT
    joined = sides.offline[name + training_sets.AGE_SUFFIX][place].as_py() is not None
    return None if served == alive == joined else Reason.EXPIRY


def _of_values(sides: Sides, feature: str, place: int, known: KnownRow | None) -> Reason:
    """The reason that lies in the value, both sides having the same row."""
    if feature == AGE or known is None:
        return Reason.JOIN
    column = f"{sides.view.name}__{feature}"
    stored, online, offline = known.values[feature], sides.online[column][place].as_py(), sides.offline[column][place].as_py()
    other = online if _differ(online, stored) else offline
    if _same_otherwise(other, stored):
        return Reason.TYPE
    return Reason.REWRITTEN if other is online else Reason.JOIN


def _differ(one: Any, other: Any) -> bool:
    return bool(one != other) and not (_nothing(one) and _nothing(other))


def _nothing(value: Any) -> bool:
    return value is None or value != value  # NaN is not equal to itself


def _same_otherwise(value: Any, stored: Any) -> bool:
    """Whether ``value`` is what becomes of ``stored`` in a narrower type, or as text, or where a type has no null."""
    if _nothing(value) != _nothing(stored):
        return True
    if isinstance(value, str) or isinstance(stored, str):
        return str(value).strip() == str(stored).strip() or not (isinstance(value, str) and isinstance(stored, str))
    return bool(np.float32(value) == np.float32(stored)) or float(value) in (float(np.trunc(stored)), float(np.round(stored)))


def _stamps(rows: pa.Table, view: str, place: int) -> Stamps | None:
    event, created = rows[view + ROW_EVENT][place], rows[view + ROW_CREATED][place]
    return (event.value, created.value) if event.is_valid else None


def _known(sides: Sides, keys: Sequence[str], pushed: Path | None) -> dict[str, KnownRow]:
    """The newest row of each key that was known at the instant, ttl aside; by key."""
    source = sides.view.batch_source
    named = {feature: column for column, feature in (source.field_mapping or {}).items()}
    key, event = quoted(named.get(sides.key_name, sides.key_name)), quoted(source.timestamp_field)
    created = quoted(source.created_timestamp_column or source.timestamp_field)
    features = [field.name for field in sides.view.features]
    columns = "".join(f", {quoted(named.get(name, name))}" for name in features)
    at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=sides.at_us)
    dataset = open_dataset(source, None, pushed).within(None, at)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(
            f"select {key}, epoch_us({event}), epoch_us({created}){columns} from {dataset.scan()}"  # noqa: S608 - names are quoted
            f" where {key} in (select unnest($keys)) and {event} <= $at and {created} <= $at"
            f" qualify row_number() over (partition by {key} order by {event} desc, {created} desc) = 1",
            {"keys": list(keys), "at": at},
        ).fetchall()
    return {row[0]: KnownRow((row[1], row[2]), dict(zip(features, row[3:], strict=True))) for row in found}
