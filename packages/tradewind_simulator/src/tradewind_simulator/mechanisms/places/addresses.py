"""Addresses: where customers truly live, and what they wrote.

A place is a function of the customer and the postal area, a written form of the address's number (customer and version). What is
carried from day to day is which addresses have been written, and in which area they lie.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Flags
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.places import address_forms as forms
from tradewind_simulator.mechanisms.places.address_forms import EditParameters, Places
from tradewind_simulator.mechanisms.places.geography import Geography
from tradewind_simulator.mechanisms.places.street_names import KIND_SHARES, NAMES, NEIGHBOURHOODS
from tradewind_simulator.streams import Floats, Integers

VERSIONS = 4
"""Address numbers of a customer: customer * VERSIONS + version."""
_KM_PER_DEGREE = 111.195
_STREETS = 40
"""Streets of a postal area. Chosen: each has its own postal codes, 24 suffixes of the thousand."""
_SUFFIXES = 24
_SETTLED_FROM = 4_096
"""Addresses that are kept apart before they are sorted into all others."""
_KIND, _NAME, _SUFFIX, _STREET_ANGLE, _STREET_RADIUS, _NEIGHBOURHOOD = range(6)
_STREET, _NUMBER, _ANGLE, _RADIUS, _FLAT, _DOOR, _BLOCK, _VERSION, _AGAIN, _SIDE = range(10, 20)


class AddressesParameters(BaseModel):
    """What addresses are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edits: EditParameters = EditParameters()
    """How the written form differs."""
    flats_share: float = Field(default=0.25, ge=0, le=1)
    """Share of customers who live in a flat. Chosen: twice the 12.5 % of IBGE's census of 2022, as online shoppers live in larger cities."""
    blocks_share: float = Field(default=0.3, ge=0, le=1)
    """Share of flats in a house of several blocks. Chosen: housing estates."""
    written_again_share: float = Field(default=0.03, ge=0, le=1)
    """Share of orders for which the address is written anew instead of taken from the profile. Chosen: most shops keep it."""
    area_km: float = Field(default=0.9, gt=0, le=10)
    """Radius of an area within a city, in kilometres. Chosen: a few square kilometres to a prefix."""
    outskirts_km: float = Field(default=4.0, gt=0, le=30)
    """Radius of an area of the outskirts, in kilometres. Chosen: a town."""
    street_km: float = Field(default=0.25, gt=0, le=2)
    """Radius in which the houses of a street lie, in kilometres. Chosen: a few blocks."""


@dataclass(frozen=True)
class _Known:
    """Address numbers, ascending, and the area of each."""

    numbers: Integers
    areas: Integers

    @classmethod
    def none(cls) -> "_Known":
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))

    def area_of(self, numbers: Integers) -> Integers:
        """The area of each; -1 where it is not known."""
        if len(self.numbers) == 0:
            return np.full(len(numbers), -1, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        return np.where(self.numbers[found] == numbers, self.areas[found], -1)

    def joined(self, other: "_Known") -> "_Known":
        numbers = np.concatenate([self.numbers, other.numbers])
        order = np.argsort(numbers, kind="stable")
        return _Known(numbers[order], np.concatenate([self.areas, other.areas])[order])


class Addresses:
    """The addresses of all customers; those used for the first time are written to ``addresses``, and what is true of them to truth."""

    def __init__(self, parameters: AddressesParameters, surroundings: Surroundings, geography: Geography) -> None:
        self.parameters = parameters
        self._surroundings = surroundings
        self._geography = geography
        self._stream = surroundings.streams.stream("addresses")
        self._form_stream = surroundings.streams.stream("address_forms")
        # Two parts, so that a day's few are not sorted into millions each time.
        self._settled, self._recent = _Known.none(), _Known.none()

    def of(self, customers: Integers, areas: Integers, ordered_at: Integers) -> Integers:
        """Numbers of the addresses that orders go to, written down where they are used for the first time.

        Of a customer's four versions, each area takes the one drawn for the two, or the next that no other area has.
        """
        again = self._stream.bernoulli(self.parameters.written_again_share, customers, ordered_at, slot=_AGAIN)
        first = self._stream.integers(VERSIONS, customers, self._geography.area_prefix[areas], slot=_VERSION) + again
        numbers = customers * VERSIONS + first % VERSIONS
        known = self._area_of(numbers)
        for step in range(1, VERSIONS):
            taken = (known >= 0) & (known != areas)
            if not taken.any():
                break
            numbers = np.where(taken, customers * VERSIONS + (first + step) % VERSIONS, numbers)
            known = self._area_of(numbers)
        self._write(np.flatnonzero(known < 0), numbers, areas, ordered_at)
        return numbers

    def failure_logit(self, addresses: Integers) -> Floats:
        """Log-odds that the way an address is written adds to those of a failed attempt."""
        edits = self.parameters.edits
        return forms.effect(edits, forms.drawn(edits, self._form_stream, addresses, self.is_flat(addresses)))

    def is_flat(self, addresses: Integers) -> Flags:
        """Whether the true place is a flat: a trait of the customer."""
        return self._stream.bernoulli(self.parameters.flats_share, addresses // VERSIONS, slot=_FLAT)

    def _area_of(self, numbers: Integers) -> Integers:
        settled = self._settled.area_of(numbers)
        return np.where(settled >= 0, settled, self._recent.area_of(numbers))

    def _write(self, rows: Integers, numbers: Integers, areas: Integers, ordered_at: Integers) -> None:
        rows = rows[np.lexsort((ordered_at[rows], numbers[rows]))]
        rows = rows[np.unique(numbers[rows], return_index=True)[1]]
        if len(rows) == 0:
            return
        self._recent = self._recent.joined(_Known(numbers[rows], areas[rows]))
        if len(self._recent.numbers) > _SETTLED_FROM + len(self._settled.numbers) // 8:
            self._settled, self._recent = self._settled.joined(self._recent), _Known.none()
        self._export(numbers[rows], areas[rows], ordered_at[rows])

    def _export(self, numbers: Integers, areas: Integers, written_at: Integers) -> None:
        places, lat, lng = self._places(numbers, areas)
        edits = forms.drawn(self.parameters.edits, self._form_stream, numbers, places.door >= 0)
        wrong = forms.wrong_codes(places.postal_code, self._neighbouring(numbers, areas), numbers, self._form_stream)
        code = np.where(edits[forms.WRONG_POSTAL_CODE], wrong, places.postal_code)
        true = forms.true_parts(places, self._geography.city_names, self._geography.states)
        written = forms.written_parts(true, places, code, edits, numbers, self._form_stream)
        ids = columns.ids("a", numbers)
        self._surroundings.exports.append(
            "addresses",
            written_at,
            {
                "address_id": ids,
                "customer_id": columns.ids("c", numbers // VERSIONS),
                "written_at": columns.instants(written_at),
                "raw_text": forms.raw_text(written),
                **vars(written),
                "postal_area_id": pc.utf8_slice_codeunits(written.postal_code, 0, 5),
            },
        )
        self._surroundings.truth.append(
            "addresses",
            {
                "address_id": ids,
                "postal_area_id": columns.words(areas, self._geography.area_ids),
                "lat": columns.floats(lat),
                "lng": columns.floats(lng),
                **vars(true),
                "edits": forms.names_of(edits),
                "failure_logit": columns.floats(forms.effect(self.parameters.edits, edits)),
            },
        )

    def _places(self, numbers: Integers, areas: Integers) -> tuple[Places, Floats, Floats]:
        """Where the addresses truly are: as codes, and in degrees."""
        s, geography = self._stream, self._geography
        customers, prefix = numbers // VERSIONS, geography.area_prefix[areas]
        street = s.integers(_STREETS, customers, prefix, slot=_STREET)
        is_flat = self.is_flat(numbers)
        door = 10 * (1 + s.integers(18, customers, prefix, slot=_DOOR)) + 1 + s.integers(4, customers, prefix, slot=_SIDE)
        has_block = is_flat & s.bernoulli(self.parameters.blocks_share, customers, prefix, slot=_BLOCK)
        block = np.where(has_block, s.integers(6, customers, slot=_BLOCK), -1)
        places = Places(
            kind=s.choice(np.cumsum(KIND_SHARES), prefix, street, slot=_KIND),
            name=s.integers(len(NAMES), prefix, street, slot=_NAME),
            house_number=1 + np.floor(500 * s.exponential(customers, prefix, slot=_NUMBER)).astype(np.int64),
            door=np.where(is_flat, door, -1),
            block=block,
            neighbourhood=s.integers(len(NEIGHBOURHOODS), prefix, street % 4, slot=_NEIGHBOURHOOD),
            city=geography.area_city[areas],
            state=geography.area_state[areas],
            postal_code=prefix * 1_000 + street * _SUFFIXES + s.integers(_SUFFIXES, prefix, street, slot=_SUFFIX),
        )
        radius = np.where(geography.area_is_outskirts[areas], self.parameters.outskirts_km, self.parameters.area_km)
        north, east = self._offset(radius, prefix, street, _STREET_ANGLE, _STREET_RADIUS)
        up, aside = self._offset(np.full(len(numbers), self.parameters.street_km), customers, prefix, _ANGLE, _RADIUS)
        lat = geography.area_lat[areas] + (north + up) / _KM_PER_DEGREE
        lng = geography.area_lng[areas] + (east + aside) / _KM_PER_DEGREE / np.cos(np.radians(geography.area_lat[areas]))
        return places, lat.round(6), lng.round(6)

    def _offset(self, radius: Floats, first: Integers, second: Integers, angle: int, distance: int) -> tuple[Floats, Floats]:
        """Kilometres north and east, even within a circle; keyed by two numbers."""
        turn = 2 * np.pi * self._stream.uniform(first, second, slot=angle)
        away = radius * np.sqrt(self._stream.uniform(first, second, slot=distance))
        return away * np.sin(turn), away * np.cos(turn)

    def _neighbouring(self, numbers: Integers, areas: Integers) -> Integers:
        """The prefix before or after each area's."""
        prefixes = self._geography.area_prefix
        step = 2 * self._stream.integers(2, numbers, slot=_SIDE) - 1
        return np.asarray(prefixes[np.clip(areas + step, 0, len(prefixes) - 1)])

    def arrays(self) -> Arrays:
        """Which addresses have been written, and their areas."""
        known = self._settled.joined(self._recent)
        return {"numbers": known.numbers, "areas": known.areas.astype(np.int32)}

    def restore(self, arrays: Arrays) -> None:
        """Take the arrays of a checkpoint."""
        self._settled = _Known(np.array(arrays["numbers"], dtype=np.int64), np.array(arrays["areas"], dtype=np.int64))
        self._recent = _Known.none()
