"""Columns that grow: the merchants, products and parcels of a world as arrays, one position per entity."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind_simulator.streams import Integers

Arrays = dict[str, npt.NDArray[Any]]


class Entities:
    """Entities in the order of their arrival, one array per column; a position never changes until ``keep`` is called.

    The column ``number`` names the entity for ever. Read a column by ``entities["quality"]``: a view, which may be written to.
    """

    def __init__(self, **columns: npt.DTypeLike) -> None:
        self._types = {"number": np.dtype(np.int64), **{name: np.dtype(kind) for name, kind in columns.items()}}
        self._arrays: Arrays = {name: np.zeros(16, dtype=kind) for name, kind in self._types.items()}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, ``number`` first."""
        return tuple(self._types)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._arrays[name][: self._count]

    def add(self, **columns: npt.ArrayLike) -> Integers:
        """Append entities; all columns are given (scalars broadcast). Returns their positions."""
        different = self._types.keys() ^ columns.keys()
        if different:
            raise ValueError(f"columns given and declared differ: {', '.join(sorted(different))}")
        added = len(np.asarray(columns["number"]))
        if self._count + added > len(self._arrays["number"]):
            self._grow(max(2 * len(self._arrays["number"]), self._count + added))
        for name, values in columns.items():
            self._arrays[name][self._count : self._count + added] = values
        self._count += added
        return np.arange(self._count - added, self._count, dtype=np.int64)

    def keep(self, wanted: npt.NDArray[np.bool_]) -> None:
        """Let go of all others; the order stays, positions change."""
        kept = int(np.count_nonzero(wanted))
        for name, values in self._arrays.items():
            self._arrays[name][:kept] = values[: self._count][wanted]
        self._count = kept

    def positions(self, numbers: npt.NDArray[np.integer]) -> Integers:
        """The positions of ``numbers``, whatever their order.

        Raises:
            KeyError: one is not there.
        """
        own = self["number"]
        order = np.argsort(own, kind="stable")
        found = np.searchsorted(own, numbers, sorter=order)
        if len(numbers) and (found.max(initial=0) >= len(own) or not np.array_equal(own[order[found]], numbers)):
            raise KeyError("a number is not among the entities")
        return order[found].astype(np.int64)

    def arrays(self, prefix: str = "") -> Arrays:
        """All columns, for a checkpoint."""
        return {prefix + name: self[name].copy() for name in self._types}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]], prefix: str = "") -> None:
        """Take the columns of a checkpoint."""
        self._arrays = {name: np.array(arrays[prefix + name], dtype=kind) for name, kind in self._types.items()}
        self._count = len(self._arrays["number"])
        if self._count < 16:
            self._grow(16)

    def _grow(self, size: int) -> None:
        for name, values in self._arrays.items():
            grown = np.zeros(size, dtype=values.dtype)
            grown[: self._count] = values[: self._count]
            self._arrays[name] = grown
