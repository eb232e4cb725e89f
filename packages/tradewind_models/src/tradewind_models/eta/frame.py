"""The training frame: one row per parcel, with what was known of its outcome at one instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow

Floats = NDArray[np.float64]
Columns = Mapping[str, np.ndarray]
MICROSECONDS_PER_DAY = 86_400_000_000


def days(instants: np.ndarray) -> Floats:
    """Days (float) since 1970-01-01 UTC of ``datetime64`` instants; NaT becomes NaN."""
    whole = instants.astype("datetime64[us]")
    return np.where(np.isnat(whole), np.nan, whole.astype(np.int64) / MICROSECONDS_PER_DAY)


@dataclass(frozen=True, eq=False)
class TrainingFrame:
    """Parcels with their features at purchase and their outcome as known at ``observed_until``.

    All arrays have one length n. Instants are ``datetime64[us]``, UTC; an outcome that is not known is NaT: the parcel
    is right-censored at ``observed_until``. ``columns`` maps ``FeatureField.column`` to float64 or object (text) arrays,
    NaN or ``None`` where a view had no live row.
    """

    keys: np.ndarray
    ordered_at: np.ndarray
    handed_over_at: np.ndarray
    delivered_at: np.ndarray
    observed_until: np.datetime64
    columns: Columns

    def __post_init__(self) -> None:
        lengths = {len(self.keys), len(self.ordered_at), len(self.handed_over_at), len(self.delivered_at)}
        lengths |= {len(values) for values in self.columns.values()}
        if len(lengths) != 1:
            raise ValueError(f"a training frame's arrays have one length (found: {sorted(lengths)})")

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def ordered_days(self) -> Floats:
        """Purchase, in days since 1970."""
        return days(self.ordered_at)

    @cached_property
    def delivered_days(self) -> Floats:
        """Delivery, in days since 1970; NaN where it is not known."""
        return days(self.delivered_at)

    @property
    def until_days(self) -> float:
        """``observed_until`` in days since 1970."""
        return float(days(np.array([self.observed_until]))[0])

    @property
    def duration_days(self) -> Floats:
        """Days from purchase to delivery; NaN for parcels still under way."""
        return self.delivered_days - self.ordered_days

    def known_at(self, instant: np.datetime64) -> "TrainingFrame":
        """What of this frame was known at ``instant``: orders placed before it, outcomes that had happened before it."""
        kept = self.take(np.flatnonzero(self.ordered_at < instant))
        return replace(
            kept,
            handed_over_at=_before(kept.handed_over_at, instant),
            delivered_at=_before(kept.delivered_at, instant),
            observed_until=min(instant, self.observed_until),
        )

    def take(self, rows: np.ndarray) -> "TrainingFrame":
        """The rows at the positions ``rows``, in that order."""
        return replace(
            self,
            keys=self.keys[rows],
            ordered_at=self.ordered_at[rows],
            handed_over_at=self.handed_over_at[rows],
            delivered_at=self.delivered_at[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
        )

    def in_order(self) -> "TrainingFrame":
        """The same rows by purchase and key, so that a fit does not depend on the order in which they came."""
        return self.take(np.lexsort((self.keys.astype(str), self.ordered_at)))

    @classmethod
    def from_table(cls, table: "pyarrow.Table", names: Sequence[str], observed_until: np.datetime64) -> "TrainingFrame":
        """The frame of a sealed training set.

        ``table`` has parcel_id, ordered_at, handed_over_at, delivered_at and the columns ``names``.

        Raises:
            KeyError: a column is absent.
        """
        return cls(
            keys=np.asarray(table["parcel_id"].to_pylist(), dtype=object),
            ordered_at=_instants(table["ordered_at"]),
            handed_over_at=_instants(table["handed_over_at"]),
            delivered_at=_instants(table["delivered_at"]),
            observed_until=observed_until,
            columns={name: _values(table[name]) for name in names},
        )


def _before(instants: np.ndarray, instant: np.datetime64) -> np.ndarray:
    return np.where(instants < instant, instants, np.datetime64("NaT", "us"))


def _instants(column: "pyarrow.ChunkedArray[Any]") -> np.ndarray:
    return np.asarray(column.to_numpy()).astype("datetime64[us]")


def _values(column: "pyarrow.ChunkedArray[Any]") -> np.ndarray:
    if str(column.type) in {"string", "large_string"} or str(column.type).startswith("dictionary"):
        return np.asarray(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy(), dtype=np.float64)
