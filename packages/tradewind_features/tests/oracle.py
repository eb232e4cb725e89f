"""The point-in-time join as its definition says it, row by row in plain Python: slow, obvious, and sharing nothing with the store.

A row of a source counts at ``t`` if its event time is at or before ``t`` and, under known-at, its created time is, too. Of the rows that
count the one with the newest event, then the newest created time, then the greatest values wins. Its values are given if it is no older
than the ttl; otherwise, and where nothing counts, there are none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
"""A source row: its keys, ``event`` and ``created`` (integers or None), its features."""


@dataclass(frozen=True)
class OracleView:
    """A view: its rows, the names of keys and features, the ttl (0: for ever); ``created`` is false for a source without created times."""

    rows: Sequence[Row]
    keys: tuple[str, ...]
    features: tuple[str, ...]
    ttl: int = 0
    known_at: bool = True
    created: bool = True

    def seen(self, keys: Sequence[Any], t: int | None) -> Row | None:
        """The row whose values an entity row (``keys``, ``t``) is given."""
        if t is None or any(key is None for key in keys):
            return None
        winner = None
        for row in self.rows:
            if [row[name] for name in self.keys] != list(keys) or not self._counts(row, t):
                continue
            if winner is None or self._rank(row) > self._rank(winner):
                winner = row
        if winner is None or (self.ttl and winner["event"] + self.ttl < t):
            return None
        return winner

    def _counts(self, row: Row, t: int) -> bool:
        if row["event"] is None or row["event"] > t:
            return False
        if not self.known_at:
            return True
        created = row["created"] if self.created else row["event"]
        return created is not None and created <= t

    def _rank(self, row: Row) -> list[Any]:
        created = row["created"] if self.created else row["event"]
        values = [row[name] for name in sorted(self.features)]
        return [row["event"], *(_nulls_first(value) for value in [created, *values])]


def _nulls_first(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)
