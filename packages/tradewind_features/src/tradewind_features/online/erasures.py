"""Whom nobody may bring back: the erasure list, and how it is kept out of a batch of rows.

The list holds HMAC-SHA-256 digests under a random salt that each store makes for itself. A plain digest of an identifier can be
looked up in a table of digests of all identifiers, and is the same in every store; a salted one is neither. Whoever holds the whole
store can still test a key that they already know: a list that must recognise a key has to allow that.
"""

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tradewind_contracts.errors import NotFoundError
from tradewind_features.online.backend import Erasure, PackedRow, ViewSpec
from tradewind_features.online.entity_keys import EntityKey, part_of


@dataclass(frozen=True)
class ErasureList:
    """All erasures of one store: its salt, and for each key name the digests with the instant (µs) until which rows are refused."""

    salt: bytes
    until: Mapping[str, Mapping[str, int]]

    @cached_property
    def count(self) -> int:
        """How many entities are on it."""
        return sum(len(digests) for digests in self.until.values())

    def entries(self) -> list[Erasure]:
        """The list, by key name and digest."""
        return [
            Erasure(key_name, digest, at_us)
            for key_name, digests in sorted(self.until.items())
            for digest, at_us in sorted(digests.items())
        ]

    def digest(self, key_name: str, key: EntityKey) -> str:
        """The digest that the list keeps of an entity."""
        names = key_name.split(",")
        return self._digest(key_name, part_of(key, names, names))

    def kept(self, view_key_name: str, rows: Iterable[PackedRow]) -> Iterable[PackedRow]:
        """``rows`` of a view without those of erased entities that were created by their erasure."""
        names = view_key_name.split(",")
        relevant = [(key_name, key_name.split(","), digests) for key_name, digests in self.until.items() if covers(key_name, view_key_name)]
        if not relevant:
            return rows
        return (
            row
            for row in rows
            if all(
                row[2] > digests.get(self._digest(key_name, part_of(row[0], names, wanted)), row[2] - 1)
                for key_name, wanted, digests in relevant
            )
        )

    def keys_of(self, key_name: str, key: EntityKey, view_key_name: str, held: Iterable[EntityKey]) -> list[EntityKey]:
        """Which of a view's ``held`` keys are the entity ``key`` of ``key_name``, or hold it as one part."""
        names, wanted = view_key_name.split(","), key_name.split(",")
        erased = self.digest(key_name, key)
        return [each for each in held if self._digest(key_name, part_of(each, names, wanted)) == erased]

    def _digest(self, key_name: str, values: Sequence[EntityKey]) -> str:
        # Each value as text: 7 and "7" are one entity here, so that no spelling of a person's key is missed.
        text = json.dumps([key_name, *map(str, values)])
        return hmac.digest(self.salt, text.encode(), "sha256").hex()


def spellings(key: EntityKey) -> tuple[EntityKey, ...]:
    """How a store may keep the single key that somebody names: as text, and as the integer that the text is."""
    text = str(key)
    digits = text.removeprefix("-")
    is_integer = digits.isascii() and digits.isdecimal() and str(int(text)) == text and -(2**63) <= int(text) < 2**63
    return (text, int(text)) if is_integer else (text,)


def covers(key_name: str, view_key_name: str) -> bool:
    """Whether an entity with ``key_name`` is, alone or with others, what a view with ``view_key_name`` is about."""
    return set(key_name.split(",")) <= set(view_key_name.split(","))


def views_of(key_name: str, views: Iterable[ViewSpec], location: str) -> list[ViewSpec]:
    """The views that an entity with ``key_name`` may have rows in, by name.

    Raises:
        NotFoundError: there is none.
    """
    held = sorted(views, key=lambda spec: spec.view)
    found = [spec for spec in held if covers(key_name, spec.key_name)]
    if not found:
        names = ", ".join(sorted({spec.key_name for spec in held})) or "none"
        raise NotFoundError(f"online store {location}: no view has the join key {key_name!r} (there are: {names})")
    return found
