"""The written form of an address: how it differs from the true one, by edits whose kind is known.

An edit is drawn for the address's number alone, so that its effect on deliveries can be asked for without the address at hand.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator.columns import Column, words
from tradewind_simulator.flows import Flags
from tradewind_simulator.mechanisms.places.street_names import KINDS, KINDS_SHORT, NAMES, NEIGHBOURHOODS
from tradewind_simulator.streams import Floats, Integers, Stream

EDITS = ("typo", "ocr", "dropped_unit", "abbreviation", "swapped_parts", "wrong_postal_code", "neighbourhood_as_city")
TYPO, OCR, DROPPED_UNIT, ABBREVIATION, SWAPPED_PARTS, WRONG_POSTAL_CODE, NEIGHBOURHOOD_AS_CITY = range(len(EDITS))
_WHERE, _HOW, _DIGIT, _BY, _WHICH_CODE = range(16, 21)
"""Slots of the draws within an edit; those of the edits themselves are their positions."""
_MISREAD = (("rn", "m"), ("l", "1"), ("o", "0"), ("O", "0"), ("i", "l"), ("m", "rn"), ("e", "c"), ("S", "5"), ("B", "8"), ("a", "o"))


class Edit(BaseModel):
    """How often an edit is made, and what it does: log-odds added to those of a failed attempt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(ge=0, le=1, description="Share of addresses with it; chosen for each edit.")
    logit: float = Field(ge=-5, le=5, description="Added to the log-odds; chosen for each edit.")


class EditParameters(BaseModel):
    """The edits. Chosen: no public data gives rates with effects; together a third of addresses differ and a tenth do so harmfully,
    so that addresses explain a small part of the one attempt in twelve that fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    typo: Edit = Edit(share=0.04, logit=0.25)
    """Letters of the street exchanged, left out or doubled. Chosen: couriers mostly understand."""
    ocr: Edit = Edit(share=0.01, logit=0.5)
    """Characters misread from paper or pictures, in street and number. Chosen: a wrong number misleads."""
    dropped_unit: Edit = Edit(share=0.08, logit=1.1)
    """A flat without its number; share of flats. Chosen: the doorman has to be asked."""
    abbreviation: Edit = Edit(share=0.25, logit=0.0)
    """Kind of street and flat abbreviated. Chosen: harmless, a model must learn to ignore it."""
    swapped_parts: Edit = Edit(share=0.015, logit=0.6)
    """Street and neighbourhood in each other's field. Chosen: legible by people, not by route planners."""
    wrong_postal_code: Edit = Edit(share=0.02, logit=1.5)
    """A wrong digit, or a neighbouring area's code. Chosen: the parcel goes to the wrong round."""
    neighbourhood_as_city: Edit = Edit(share=0.015, logit=0.8)
    """The neighbourhood written where the city belongs. Chosen: between the others."""

    def of(self, name: str) -> Edit:
        """The edit called ``name``."""
        edit: Edit = getattr(self, name)
        return edit


@dataclass(frozen=True)
class Parts:
    """Parts of addresses, aligned; texts are Arrow strings, null where there is none."""

    street: Column
    house_number: Column
    unit: Column
    neighbourhood: Column
    city: Column
    state: Column
    postal_code: Column


@dataclass(frozen=True)
class Places:
    """True addresses as codes: positions in the vocabularies, numbers; ``door`` and ``block`` are -1 where it is no flat or has no block."""

    kind: Integers
    name: Integers
    house_number: Integers
    door: Integers
    block: Integers
    neighbourhood: Integers
    city: Integers
    state: Integers
    postal_code: Integers
    """All eight digits as a number."""


def drawn(parameters: EditParameters, stream: Stream, addresses: Integers, is_flat: Flags) -> npt.NDArray[np.bool_]:
    """[edits, addresses] which edits each address has."""
    edits = np.array([stream.bernoulli(parameters.of(name).share, addresses, slot=k) for k, name in enumerate(EDITS)])
    edits = edits.reshape(len(EDITS), len(addresses))
    edits[DROPPED_UNIT] &= is_flat
    edits[SWAPPED_PARTS] &= ~edits[NEIGHBOURHOOD_AS_CITY]
    return edits


def effect(parameters: EditParameters, edits: npt.NDArray[np.bool_]) -> Floats:
    """Log-odds that ``edits`` add to those of a failed attempt."""
    total = np.zeros(edits.shape[1])
    for name, made in zip(EDITS, edits, strict=True):
        total += np.where(made, parameters.of(name).logit, 0.0)
    return total


def names_of(edits: npt.NDArray[np.bool_]) -> Column:
    """The names of each address's edits, joined by semicolons; empty where there is none."""
    code = np.zeros(edits.shape[1], dtype=np.int64)
    for k, made in enumerate(edits):
        code |= made.astype(np.int64) << k
    return words(code, _ALL_NAMES)


_ALL_NAMES = tuple(";".join(name for k, name in enumerate(EDITS) if code >> k & 1) for code in range(1 << len(EDITS)))


def true_parts(places: Places, cities: tuple[str, ...], states: tuple[str, ...]) -> Parts:
    """The parts of ``places`` as they should be written."""
    return Parts(
        street=_joined(" ", words(places.kind, KINDS), words(places.name, NAMES)),
        house_number=pa.array(places.house_number).cast(pa.string()),
        unit=_units(places, np.zeros(len(places.kind), dtype=bool)),
        neighbourhood=words(places.neighbourhood, NEIGHBOURHOODS),
        city=words(places.city, cities),
        state=words(places.state, states),
        postal_code=_postal_codes(places.postal_code),
    )


def written_parts(
    true: Parts, places: Places, written_code: Integers, edits: npt.NDArray[np.bool_], keys: Integers, stream: Stream
) -> Parts:
    """The parts as the customer wrote them. ``keys`` are the addresses' numbers, ``written_code`` the postal codes as written."""
    short = edits[ABBREVIATION]
    kinds = words(places.kind + len(KINDS) * short, (*KINDS, *KINDS_SHORT))
    parts = replace(
        true,
        street=_joined(" ", kinds, words(places.name, NAMES)),
        unit=_chosen(edits[DROPPED_UNIT], pa.nulls(len(keys), pa.string()), _units(places, short)),
        postal_code=_postal_codes(written_code),
    )
    where, how = stream.uniform(keys, slot=_WHERE), stream.integers(3, keys, slot=_HOW)
    parts = replace(parts, street=_edited(parts.street, edits[TYPO], lambda text, row: mistyped(text, where[row], int(how[row]))))
    parts = replace(parts, street=_edited(parts.street, edits[OCR], lambda text, row: misread(text, where[row])))
    parts = replace(parts, house_number=_edited(parts.house_number, edits[OCR], _misread_number))
    as_city, swapped = edits[NEIGHBOURHOOD_AS_CITY], edits[SWAPPED_PARTS]
    return replace(
        parts,
        city=_chosen(as_city, parts.neighbourhood, parts.city),
        street=_chosen(swapped, parts.neighbourhood, parts.street),
        neighbourhood=_chosen(as_city, pa.nulls(len(keys), pa.string()), _chosen(swapped, parts.street, parts.neighbourhood)),
    )


def wrong_codes(codes: Integers, neighbouring: Integers, keys: Integers, stream: Stream) -> Integers:
    """What stands where a postal code is wrong: half the time one with the prefix ``neighbouring``, else one of the last five digits is another."""
    power = 10 ** stream.integers(5, keys, slot=_DIGIT)
    digit = codes // power % 10
    shifted = (digit + 1 + stream.integers(9, keys, slot=_BY)) % 10
    misplaced = neighbouring * 1_000 + codes % 1_000
    takes_other = (stream.integers(2, keys, slot=_WHICH_CODE) == 0) & (misplaced != codes)
    return np.where(takes_other, misplaced, codes + (shifted - digit) * power).astype(np.int64)


def raw_text(parts: Parts) -> Column:
    """The whole address in one line."""
    unit = _or_empty(_joined("", pa.scalar(", "), parts.unit))
    neighbourhood = _or_empty(_joined("", pa.scalar(" - "), parts.neighbourhood))
    front = _joined("", parts.street, pa.scalar(", "), parts.house_number, unit, neighbourhood)
    return _joined("", front, pa.scalar(", "), parts.city, pa.scalar(" - "), parts.state, pa.scalar(", "), parts.postal_code)


def mistyped(text: str, where: float, how: int) -> str:
    """``text`` with two letters exchanged (0), one left out (1) or doubled (2), at the share ``where`` of its length."""
    at = 1 + int(where * (len(text) - 2))
    if how == 0 and text[at] != text[at - 1]:
        return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
    return text[:at] + text[at + 1 :] if how < 2 else text[:at] + text[at] + text[at:]


def misread(text: str, where: float) -> str:
    """``text`` with one group of characters taken for another that looks alike; which one is chosen by ``where``."""
    begin = int(where * len(_MISREAD))
    for seen, read in _MISREAD[begin:] + _MISREAD[:begin]:
        if seen in text:
            return text.replace(seen, read, 1)
    return text


def _misread_number(text: str, _row: int) -> str:
    return text.replace("0", "O").replace("1", "l")


def _edited(texts: Column, rows: Flags, edit: Callable[[str, int], str]) -> Column:
    found = np.flatnonzero(rows)
    if len(found) == 0:
        return texts
    before = [str(text) for text in texts.filter(pa.array(rows)).to_pylist()]
    after = [edit(text, int(row)) for text, row in zip(before, found, strict=True)]
    edited: Column = pc.replace_with_mask(texts, pa.array(rows), pa.array(after, pa.string()))
    return edited


def _units(places: Places, is_short: Flags) -> Column:
    doors = pa.array(places.door, mask=places.door < 0).cast(pa.string())
    kinds = words(is_short.astype(np.int64), ("Apto ", "Ap "))
    blocks = words(np.maximum(places.block + 1, 0) + 7 * is_short, _BLOCKS)
    return _joined("", blocks, kinds, doors)


_BLOCKS = ("", *(f"Bloco {letter} " for letter in "ABCDEF"), "", *(f"Bl {letter} " for letter in "ABCDEF"))


def _postal_codes(codes: Integers) -> Column:
    prefix = pc.utf8_lpad(pa.array(codes // 1_000).cast(pa.string()), 5, "0")
    return _joined("-", prefix, pc.utf8_lpad(pa.array(codes % 1_000).cast(pa.string()), 3, "0"))


def _joined(separator: str, *texts: Any) -> Column:
    joined: Column = pc.binary_join_element_wise(*texts, separator)
    return joined


def _or_empty(texts: Any) -> Column:
    filled: Column = texts.fill_null("")
    return filled


def _chosen(flags: Flags, yes: Column, no: Column) -> Column:
    chosen: Column = pc.if_else(pa.array(flags), yes, no)
    return chosen
