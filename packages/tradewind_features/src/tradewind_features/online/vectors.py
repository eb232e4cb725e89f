"""Typed vectors: features of several views straight into one matrix, in the order that a model's contract asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_features.online.backend import EntityKey, StoredRow, ViewSpec
from tradewind_features.online.packing import CHECKSUM, FLOATS, HEADER, VERSION, FieldType, PackedSchema
from tradewind_features.online.rows import ABSENT, EXPIRED, PRESENT, US_PER_HOUR, Fetched
from tradewind_features.online.unpacking import is_sound

_US_PER_S = 1_000_000

Wanted = tuple[tuple[str, str], ...]
Places = slice | NDArray[np.int64]


@dataclass(frozen=True)
class Vectors:
    """``n`` vectors of features.

    ``values``: float64 [n, wanted], columns in the order asked; NaN where null, absent or expired; a Bool is 0 or 1, integers are exact
    to 2**53, instants are seconds since 1970. ``presence``: by view, int8 [n] of :class:`Presence`. ``age_hours``: by view, float64 [n],
    hours from the row's event to the instant asked for; NaN unless present.
    """

    values: NDArray[np.float64]
    presence: Mapping[str, NDArray[np.int8]]
    age_hours: Mapping[str, NDArray[np.float64]]


class VectorPlan:
    """Which slots of which rows go to which columns; made once for a list of features and the views as they are declared.

    Raises:
        NotFoundError: the store has no such view, or the view no such feature.
        SettingsError: a feature is text or bytes, which no matrix holds.
    """

    def __init__(self, wanted: Wanted, specs: Mapping[str, ViewSpec], location: str) -> None:
        self.specs = specs
        self.width = len(wanted)
        self.columns: dict[str, list[tuple[str, int]]] = {}
        for column, (view, feature) in enumerate(wanted):
            _refuse(view, feature, specs, location)
            self.columns.setdefault(view, []).append((feature, column))
        self._takes: dict[tuple[str, bytes], _Take] = {}
        """By view and header of a row, which tells its schema."""

    def fill(self, fetched: Fetched, keys: Mapping[str, Sequence[EntityKey | None]], now_us: int) -> Vectors:
        """The vectors of what was fetched.

        Raises:
            SettingsError: features of a view are wanted for which there are no keys.
            IntegrityError: a row that would be served is damaged.
        """
        if not self.columns.keys() <= keys.keys():
            without = ", ".join(sorted(self.columns.keys() - keys.keys()))
            raise SettingsError(f"features of {without} are wanted, but no keys are given for it")
        count = len(next(iter(keys.values()), ()))
        values = np.full((count, self.width), np.nan)
        presence, ages = {}, {}
        for view, rows in fetched.rows.items():
            oldest = now_us - ttl if (ttl := self.specs[view].ttl_us) else None
            found = [ABSENT if row is None else EXPIRED if oldest is not None and row[0] < oldest else PRESENT for row in rows]
            presence[view] = np.array(found, dtype=np.int8)
            ages[view] = np.array([(now_us - row[0]) / US_PER_HOUR if p == PRESENT else np.nan for row, p in zip(rows, found)])  # type: ignore[index]  # noqa: B905 - equally long; a present row is one
            if view in self.columns and not (count == 1 and self._fill_one(values[0], view, rows[0], found[0])):
                self._fill_view(values, fetched, view, keys[view], [i for i, p in enumerate(found) if p == PRESENT])
        return Vectors(values, presence, ages)

    def _fill_one(self, values: NDArray[np.float64], view: str, row: StoredRow | None, presence: int) -> bool:
        """The way of a single vector, which is short: whether there was nothing to fill or a sound row of a schema that was met before."""
        if row is None or presence != PRESENT:
            return True
        packed = row[2]
        take = self._takes.get((view, packed[: HEADER.size]))
        if take is None or not is_sound(packed):
            return False
        take.one_into(values, packed)
        return True

    def _fill_view(
        self, values: NDArray[np.float64], fetched: Fetched, view: str, keys: Sequence[EntityKey | None], places: list[int]
    ) -> None:
        for fingerprint, found in fetched.sound(view, keys, places).items():
            schema = fetched.schemas[fingerprint]
            header = HEADER.pack(VERSION, 0, len(schema.fields), fingerprint)
            take = self._takes.get((view, header))
            if take is None:
                take = self._takes[view, header] = _Take(schema, self.columns[view])
            take.into(values, fetched.rows[view], found)


class _Take:
    """Takes the wanted slots of rows of one schema to their columns; features that this schema lacks stay NaN."""

    def __init__(self, schema: PackedSchema, columns: Sequence[tuple[str, int]]) -> None:
        kinds, index_of = dict(schema.fields), {name: index for index, name in enumerate(schema.names)}
        held = [(index_of[name], column, kinds[name]) for name, column in columns if name in kinds and name not in schema.texts]
        self._floats = _Slots([(index, column) for index, column, kind in held if kind in FLOATS])
        self._instants = _Slots([(index, column) for index, column, kind in held if kind is FieldType.TIMESTAMP])
        self._integers = _Slots([(index, column) for index, column, kind in held if kind not in FLOATS and kind is not FieldType.TIMESTAMP])
        self._all = _Slots([(index, column) for index, column, _ in held])
        self._schema = schema
        self._numbers_alone = not self._integers.count and not self._instants.count
        self._count, null_bytes = len(schema.fields), schema.slots_at - HEADER.size
        count, self._no_nulls = self._count, bytes(null_bytes)
        self._row = np.dtype(
            {
                "names": ["null", "float", "integer"],
                "formats": [(np.uint8, null_bytes), ("<f8", count), ("<i8", count)],
                "offsets": [HEADER.size, schema.slots_at, schema.slots_at],
                "itemsize": schema.width + (0 if schema.texts else CHECKSUM.size),
            }
        )

    def one_into(self, values: NDArray[np.float64], packed: bytes) -> None:
        """Fill one vector, ``values`` [wanted], from one undamaged row."""
        if self._numbers_alone and packed[HEADER.size : self._schema.slots_at] == self._no_nulls:
            values[self._floats.columns] = np.frombuffer(packed, "<f8", self._count, self._schema.slots_at)[self._floats.slots]
        else:
            self.into(values[np.newaxis], [(0, 0, packed)], [0])

    def into(self, values: NDArray[np.float64], rows: Sequence[StoredRow | None], places: list[int]) -> None:
        """Fill the ``places`` of ``values`` from ``rows``, which are there and undamaged."""
        packed = [row[2] for place in places if (row := rows[place]) is not None]
        if self._schema.texts:
            packed = [row[: self._schema.width] for row in packed]
        fixed = np.frombuffer(packed[0] if len(packed) == 1 else b"".join(packed), dtype=self._row)
        into = slice(None) if len(places) == len(values) else np.array(places)
        self._floats.put(values, into, fixed["float"])
        if self._integers.count:
            self._integers.put(values, into, fixed["integer"])
        if self._instants.count:
            self._instants.put(values, into, fixed["integer"] / _US_PER_S)
        bits = fixed["null"]
        if bits.any():
            null = np.unpackbits(bits, axis=1, bitorder="little", count=len(self._schema.fields)).view(bool)
            self._all.blank(values, into, null)


class _Slots:
    """Slots and the columns that they go to; runs of neighbours as slices, which numpy copies at once."""

    def __init__(self, pairs: Sequence[tuple[int, int]]) -> None:
        self.count = len(pairs)
        self.slots = _places([slot for slot, _ in pairs])
        self.columns = _places([column for _, column in pairs])

    def put(self, values: NDArray[np.float64], rows: Places, slots: NDArray[np.float64] | NDArray[np.int64]) -> None:
        if self.count:
            values[self._cells(rows)] = slots[:, self.slots]

    def blank(self, values: NDArray[np.float64], rows: Places, null: NDArray[np.bool_]) -> None:
        if self.count:
            cells = self._cells(rows)
            values[cells] = np.where(null[:, self.slots], np.nan, values[cells])

    def _cells(self, rows: Places) -> tuple[Places, Places]:
        if isinstance(rows, slice) or isinstance(self.columns, slice):
            return rows, self.columns
        return rows[:, None], self.columns


def _places(indexes: list[int]) -> Places:
    if indexes and indexes == list(range(indexes[0], indexes[0] + len(indexes))):
        return slice(indexes[0], indexes[0] + len(indexes))
    return np.array(indexes, dtype=np.int64)


def _refuse(view: str, feature: str, specs: Mapping[str, ViewSpec], location: str) -> None:
    spec = specs.get(view)
    if spec is None:
        raise NotFoundError(f"online store {location}: no view {view!r} (there are: {', '.join(sorted(specs)) or 'none'})")
    if feature not in spec.schema.names:
        raise NotFoundError(f"online store {location}, view {view!r}: no feature {feature!r} (there are: {', '.join(spec.schema.names)})")
    if feature in spec.schema.texts:
        raise SettingsError(
            f"view {view!r}, feature {feature!r}: text or bytes have no place in a matrix; `read` or `read_views` gives them"
        )
