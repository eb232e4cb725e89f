"""Writing the journal: after each commit of the registry, from the rows as they are then, with what earlier writes left out."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Self

from sqlalchemy.orm import Session

from tradewind_contracts.errors import StateError, TradewindError
from tradewind_registry import queries
from tradewind_registry.database import Database
from tradewind_registry.journal.entries import (
    BLOCK,
    EntryName,
    Kind,
    block_name,
    judgements_entry,
    line_folder,
    move_entry,
    parsed_name,
    version_entry,
)
from tradewind_registry.journal.files import JournalFiles, journal_files
from tradewind_registry.journal.rows import judgements_in, moves_count, moves_from

_LOG = logging.getLogger("tradewind.registry.journal")

_MADE_UP_AT_ONCE = 50
"""Entries that one write makes up for earlier ones; chosen: some 50 ms on a local disk. `tradewind doctor --mend` writes all."""


def check_not_behind(model: str, highest: int, known: int) -> None:
    """Refuse to give a new number where the journal knows a higher one than the database: numbers are never given twice.

    ``known`` is ``Journal.highest`` as read before the database was locked: it never runs ahead of a database that lost nothing.

    Raises:
        StateError: names both numbers and the command that puts the lost rows back.
    """
    if known > highest:
        there = f"{model}@{highest}" if highest else f"no {model}"
        raise StateError(
            f"registry: the database knows {there}, the journal beside the bundles {model}@{known}: the database is older than the store "
            "(restored from a backup?); nothing was registered, `tradewind doctor --mend` puts the lost rows back"
        )


class Journal:
    """The files beside the bundles. Several writers at once are fine: an entry is named by what it holds.

    Nothing is opened or read before it is needed, and who only reads the registry needs no journal.
    """

    def __init__(self, files: JournalFiles) -> None:
        self.files = files

    @classmethod
    def at(cls, bundle_store_url: str) -> Self:
        """The journal of the bundle store at a ``file://`` URL, or any other that fsspec knows.

        Raises:
            StateError: fsspec knows no such store.
        """
        return cls(journal_files(bundle_store_url))

    def models(self) -> list[str]:
        """The models that the journal knows.

        Raises:
            StateError: the store is out of reach.
        """
        return self.files.names("")

    def highest(self, model: str) -> int:
        """The highest version number that the journal knows of ``model``, 0 without any: two listings in most cases.

        Raises:
            StateError: the store is out of reach.
        """
        folder = line_folder(model, "versions")
        for block in reversed(self.files.names(folder)):
            numbers = [name.position for name in self.listed(folder, block)]
            if numbers:
                return max(numbers)
        return 0

    def listed(self, folder: str, block: str) -> list[EntryName]:
        """The names of the entries in one block of a line, in order of position.

        Raises:
            StateError: the store is out of reach.
        """
        names = (parsed_name(folder, file) for file in self.files.names(f"{folder}/{block}"))
        return [name for name in names if name is not None]

    def line(self, folder: str) -> list[EntryName]:
        """The names of all entries of a line, in order of position.

        Raises:
            StateError: the store is out of reach.
        """
        return [name for block in self.files.names(folder) for name in self.listed(folder, block)]

    def lines_of_moves(self, model: str) -> list[str]:
        """The folders of the moves of each world's aliases.

        Raises:
            StateError: the store is out of reach.
        """
        return [f"{model}/moves/{line}" for line in self.files.names(f"{model}/moves")]

    def note_version(self, database: Database, model: str, number: int) -> None:
        """Write down a version with its verdicts and overrules as they are now, and versions before it that are not written down.

        Called after the commit, which stands: where the journal can't be written, that is logged, and made up later.
        """
        with self._best_effort(f"{model}@{number}"), database.reading() as session:
            known = self._positions(model, "versions", number)
            first = max(1, number - number % BLOCK)
            lacking = [n for n in range(first, number) if n not in known][-_MADE_UP_AT_ONCE:]
            for wanted in [*lacking, number]:
                self.write_version(session, model, wanted)
                self.write_judgements(session, model, wanted)

    def note_moves(self, database: Database, model: str, world: str, alias: str) -> None:
        """Write down the last move of an alias, and moves before it that are not written down. As ``note_version``."""
        with self._best_effort(f"{model}@{alias} of world {world}"), database.reading() as session:
            count = moves_count(session, model, world, alias)
            if count:
                known = self._positions(model, "moves", count, world, alias)
                first = max(1, count - count % BLOCK)
                lacking = [n for n in range(first, count) if n not in known][-_MADE_UP_AT_ONCE:]
                self.write_moves(session, model, world, alias, [*lacking, count])

    def write_version(self, session: Session, model: str, number: int) -> None:
        """Write the entry of a version.

        Raises:
            NotFoundError: there is no such version.
            StateError: the store refuses.
        """
        self._write(*version_entry(queries.version_named(session, model, number)))

    def write_judgements(self, session: Session, model: str, number: int) -> None:
        """Write the entry of a version's verdicts and overrules as they are; nothing where there are none.

        Raises:
            StateError: the store refuses.
        """
        judgements = judgements_in(session, model, number)
        if len(judgements):
            self._write(*judgements_entry(model, number, judgements))

    def write_moves(self, session: Session, model: str, world: str, alias: str, positions: list[int]) -> None:
        """Write the entries of an alias's moves at ``positions`` (from 1) of its history.

        Raises:
            StateError: the store refuses.
        """
        first = min(positions)
        found = moves_from(session, model, world, alias, first)
        for position in positions:
            self._write(*move_entry(found[position - first], position))

    def _positions(self, model: str, kind: Kind, position: int, world: str = "", alias: str = "") -> set[int]:
        folder = line_folder(model, kind, world, alias)
        return {name.position for name in self.listed(folder, block_name(position))}

    def _write(self, name: EntryName, content: bytes) -> None:
        if not self.files.holds(name.path):
            self.files.write(name.path, content)

    @contextlib.contextmanager
    def _best_effort(self, subject: str) -> Iterator[None]:
        try:
            yield
        except (TradewindError, OSError) as error:
            _LOG.warning("%s was written, its entry in the journal was not (%s); `tradewind doctor --mend` writes it", subject, error)
