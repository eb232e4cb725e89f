"""The database beside the journal: what each lacks of the other, and where the two tell different stories.

Listings are compared first, and only entries that the database lacks are read: a healthy registry of 10,000 versions costs a few listings
and three queries. ``deep`` reads every entry.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import eq
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from tradewind_contracts.errors import IntegrityError
from tradewind_registry import queries
from tradewind_registry.journal.entries import EntryName, Judgements, line_folder, read_judgements, read_move, read_version
from tradewind_registry.journal.rows import Counts, Line, counts_in, judgements_in, moves_from
from tradewind_registry.journal.writing import Journal
from tradewind_registry.records import AliasMove, Version
from tradewind_registry.schema import AuditRow

LOST = "lost"
"""Action of audit entries that keep what the journal knows and the database can't take back."""

_Record = TypeVar("_Record")


@dataclass(frozen=True)
class Fork:
    """An entry that the database can't take back, as something else stands in its place; ``what`` says so in words."""

    path: str
    what: str


@dataclass
class Standing:
    """One model in database and journal. The first group is what the database lacks, the second what the journal lacks."""

    model: str
    counts: Counts
    """What the database held when it was compared."""
    versions: list[Version] = field(default_factory=list)
    judgements: dict[int, Judgements] = field(default_factory=dict)
    """By version: all of them as the journal knows; the database has the first of them, or none."""
    moves: dict[Line, list[AliasMove]] = field(default_factory=dict)
    """By world and alias: the moves that follow the database's last."""

    unwritten_versions: list[int] = field(default_factory=list)
    unwritten_judgements: list[int] = field(default_factory=list)
    unwritten_moves: dict[Line, list[int]] = field(default_factory=dict)

    forks: list[Fork] = field(default_factory=list)
    damaged: list[Fork] = field(default_factory=list)
    """Entries that can't be read."""
    bundles: set[str] = field(default_factory=set)
    """Digests of the bundles of versions that the journal knows and the database lacks, whether they can go back or not."""
    unknown: list[int] = field(default_factory=list)
    """Numbers below the highest that neither knows."""

    @property
    def is_behind(self) -> bool:
        """Whether the database lacks rows that it can take back."""
        return bool(self.versions or self.judgements or self.moves)

    @property
    def is_unwritten(self) -> bool:
        """Whether the journal lacks rows."""
        return bool(self.unwritten_versions or self.unwritten_judgements or self.unwritten_moves)


def compare(session: Session, journal: Journal, model: str, *, deep: bool = False) -> Standing:
    """How database and journal stand to each other for ``model``; writes nothing.

    Raises:
        StateError: the store is out of reach.
    """
    comparison = _Comparison(session, journal, Standing(model, counts_in(session, model)), deep)
    comparison.versions()
    comparison.judgements()
    comparison.moves()
    comparison.leave_settled_out()
    return comparison.standing


class _Comparison:
    def __init__(self, session: Session, journal: Journal, standing: Standing, deep: bool) -> None:
        self._session = session
        self._journal = journal
        self._deep = deep
        self._model = standing.model
        self.standing = standing

    def versions(self) -> None:
        """Versions by number. The same inputs under another number are a fork: a version is never sealed twice."""
        numbers = self.standing.counts.numbers
        noted = _grouped(self._journal.line(line_folder(self._model, "versions")))
        for number, names in noted.items():
            if number not in numbers:
                self._lost_version(names)
            elif len(names) > 1 or self._deep:
                version, found = queries.version_named(self._session, self._model, number), self._read(names, read_version)
                self.standing.bundles |= {other.bundle_digest for _, other in found}
                self._forks(found, partial(eq, version), f"another {version.reference} stands")
        self.standing.unwritten_versions = sorted(numbers - noted.keys())
        self.standing.unknown = sorted(set(range(1, max([*numbers, *noted], default=0))) - numbers - noted.keys())

    def judgements(self) -> None:
        """Verdicts and overrules by version: the database's must be the beginning of the journal's, or its whole."""
        noted = _grouped(self._journal.line(line_folder(self._model, "judgements")))
        kept = self.standing.counts.judgements
        for number, names in noted.items():
            most = max(name.size for name in names)
            of_most = [name for name in names if name.size == most]
            if most > kept.get(number, 0):
                self._lost_judgements(number, of_most)
            elif self._deep or len(of_most) > 1:
                present = judgements_in(self._session, self._model, number)
                self._forks(self._read(names, read_judgements), present.begins_with, f"{self._model}@{number} was judged otherwise")
        written = {number: max(name.size for name in names) for number, names in noted.items()}
        self.standing.unwritten_judgements = sorted(n for n, count in kept.items() if count > written.get(n, 0))

    def moves(self) -> None:
        """Moves by world and alias: those after the database's last go back where they follow it, one after another."""
        counts = self.standing.counts.moves
        noted = {_line(names): names for names in map(self._journal.line, self._journal.lines_of_moves(self._model)) if names}
        for line, names in noted.items():
            count = counts.get(line, 0)
            places = _grouped(names)
            agrees = self._compare_moves(line, count, places)
            self._lost_moves(line, [self._read(places[p], read_move) for p in sorted(places) if p > count], agrees)
        for line, count in counts.items():
            lacking = sorted(set(range(1, count + 1)) - {name.position for name in noted.get(line, [])})
            if lacking:
                self.standing.unwritten_moves[line] = lacking

    def leave_settled_out(self) -> None:
        """Forks that the audit keeps already are told no more."""
        if self.standing.forks:
            details = self._session.scalars(select(AuditRow.detail).where(AuditRow.action == LOST))
            settled = {detail.get("entry") for detail in details}
            self.standing.forks = [fork for fork in self.standing.forks if fork.path not in settled]

    def _lost_version(self, names: list[EntryName]) -> None:
        found = self._read(names, read_version)
        for name, version in found:
            self.standing.bundles.add(version.bundle_digest)
            same = queries.version_of_inputs(self._session, self._model, version.inputs_key)
            if same is not None:
                self._fork(name, f"{version.reference} was made of the same inputs as {same.reference}")
            elif version != found[0][1]:
                self._fork(name, f"the journal knows two versions {version.reference}")
            elif version not in self.standing.versions:
                self.standing.versions.append(version)

    def _lost_judgements(self, number: int, names: list[EntryName]) -> None:
        present = judgements_in(self._session, self._model, number)
        for name, found in self._read(names, read_judgements):
            if not self._will_be_there(number):
                self._fork(name, f"{self._model}@{number} itself is lost")
            elif not found.begins_with(present) or self.standing.judgements.get(number, found) != found:
                self._fork(name, f"{self._model}@{number} was judged otherwise since")
            else:
                self.standing.judgements[number] = found

    def _compare_moves(self, line: Line, count: int, places: dict[int, list[EntryName]]) -> bool:
        """Whether the journal's entries of the database's last move are of this very move, so that what follows them follows it.

        Looked at where some follow: a move that was made on a restored database has the place of another.
        """
        follow = any(position > count for position in places)
        doubted = [p for p in sorted(places) if p <= count and (self._deep or len(places[p]) > 1 or (follow and p == count))]
        if not doubted:
            return True
        present, forks = moves_from(self._session, self._model, *line, doubted[0]), 0
        for position in doubted:
            move, forks = present[position - doubted[0]], len(self.standing.forks)
            self._forks(self._read(places[position], read_move), partial(eq, move), "the alias was moved otherwise since")
        return doubted[-1] < count or len(self.standing.forks) == forks

    def _lost_moves(self, line: Line, found: list[list[tuple[EntryName, AliasMove]]], agrees: bool) -> None:
        at = queries.alias_target(self._session, self._model, *line)
        follows: list[AliasMove] = []
        for here in found:
            for name, move in here:
                if (
                    agrees
                    and self._follows(move, at)
                    and len(here) == 1
                    and name.position == self.standing.counts.moves.get(line, 0) + len(follows) + 1
                ):
                    follows.append(move)
                    at = move.to_number
                else:
                    self._fork(name, f"{_told(move)}; the alias stands at {at or 'nothing'}")
        if follows:
            self.standing.moves[line] = follows

    def _follows(self, move: AliasMove, at: int | None) -> bool:
        return move.from_number == at and self._will_be_there(move.to_number)

    def _will_be_there(self, number: int) -> bool:
        return number in self.standing.counts.numbers or any(version.number == number for version in self.standing.versions)

    def _read(self, names: list[EntryName], reader: Callable[[EntryName, bytes], _Record]) -> list[tuple[EntryName, _Record]]:
        found = []
        for name in names:
            try:
                found.append((name, reader(name, self._journal.files.read(name.path))))
            except IntegrityError as error:
                self.standing.damaged.append(Fork(name.path, str(error)))
        return found

    def _forks(self, found: Iterable[tuple[EntryName, _Record]], agrees: Callable[[_Record], bool], instead: str) -> None:
        for name, record in found:
            if not agrees(record):
                self._fork(name, f"{_told(record)}; {instead}" if isinstance(record, AliasMove) else instead)

    def _fork(self, name: EntryName, what: str) -> None:
        self.standing.forks.append(Fork(name.path, what))


def _told(move: AliasMove) -> str:
    return (
        f"{move.action} of {move.model}@{move.alias} of world {move.world} from {move.from_number or 'nothing'} to {move.to_number} by "
        f"{move.who}, {move.moved_at.isoformat()} ({move.why})"
    )


def _line(names: list[EntryName]) -> Line:
    return names[0].world, names[0].alias


def _grouped(names: list[EntryName]) -> dict[int, list[EntryName]]:
    ordered = sorted(names, key=lambda name: (name.position, name.size, name.digest))
    return {position: list(group) for position, group in groupby(ordered, key=lambda name: name.position)}
