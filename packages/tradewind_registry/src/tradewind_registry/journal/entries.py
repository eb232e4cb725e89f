"""The journal's entries: what a file holds and how it is named.

The name says what it is about and ends in the digest of the bytes, so that a listing tells what is known without a single read, and a torn
file is known for what it is. Numbers stand in folders of a thousand: the highest is found by two listings, however many there are.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import quote, unquote

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from tradewind_contracts.digests import canonical_json, digest_bytes
from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.verdicts import Verdict
from tradewind_registry.records import AliasMove, Version

FORMAT = 1
"""Of the documents; a reader refuses any other."""

BLOCK = 1000
"""Numbers in one folder; chosen: a store lists so many in one answer."""

_DIGITS = 16
"""Of the digest that stands in a name; chosen: 64 bits tell torn files and forks apart, nobody forges here."""

Kind = Literal["versions", "judgements", "moves"]
Record = TypeVar("Record", bound=BaseModel)


class KeptVerdict(BaseModel):
    """A row of verdicts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    run_id: str
    recorded_at: AwareDatetime


class KeptOverrule(BaseModel):
    """A row of overrules; ``verdict`` is the position (from 1) of the one it is about among the version's verdicts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: str
    verdict: int
    who: str
    why: str
    recorded_at: AwareDatetime
    expires_at: AwareDatetime


class Judgements(BaseModel):
    """All verdicts and overrules of a version so far, each in the order of recording: a later entry holds an earlier one whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdicts: tuple[KeptVerdict, ...] = ()
    overrules: tuple[KeptOverrule, ...] = ()

    def __len__(self) -> int:
        return len(self.verdicts) + len(self.overrules)

    def begins_with(self, earlier: "Judgements") -> bool:
        """Whether ``earlier`` is this at an earlier time."""
        verdicts, overrules = self.verdicts[: len(earlier.verdicts)], self.overrules[: len(earlier.overrules)]
        return (verdicts, overrules) == (earlier.verdicts, earlier.overrules)


@dataclass(frozen=True)
class EntryName:
    """A parsed name: of which model, what, and which in its line.

    ``position`` is the version's number, or of moves the place (from 1) in the history of ``world``'s ``alias``. ``size`` is the count of
    verdicts and overrules, 0 for other kinds.
    """

    model: str
    kind: Kind
    position: int
    digest: str
    size: int = 0
    world: str = ""
    alias: str = ""

    @property
    def folder(self) -> str:
        """The folder of its line: numbers' blocks stand below it."""
        return line_folder(self.model, self.kind, self.world, self.alias)

    @property
    def path(self) -> str:
        """Its relative name in the journal."""
        sized = f"-{self.size:05d}" if self.kind == "judgements" else ""
        return f"{self.folder}/{block_name(self.position)}/{self.position:09d}{sized}-{self.digest}.json"


def line_folder(model: str, kind: Kind, world: str = "", alias: str = "") -> str:
    """The folder of one line of entries: a model's versions, its judgements, or the moves of one alias of one world."""
    return f"{model}/moves/{quote(world, safe='')}@{alias}" if kind == "moves" else f"{model}/{kind}"


def block_name(position: int) -> str:
    """The folder of a thousand that ``position`` stands in."""
    return f"{position // BLOCK:06d}"


def parsed_name(folder: str, file: str) -> EntryName | None:
    """The name of ``file`` in the line's ``folder``; None for what is no entry."""
    model, kind, *rest = folder.split("/")
    stem, dot, suffix = file.partition(".")
    parts = stem.split("-")
    wanted = 3 if kind == "judgements" else 2
    if not dot or suffix != "json" or len(parts) != wanted or not all(part.isdigit() for part in parts[:-1]):
        return None
    world, _, alias = rest[0].rpartition("@") if rest else ("", "", "")
    size = int(parts[1]) if kind == "judgements" else 0
    return EntryName(model, _kind(kind), int(parts[0]), parts[-1], size, unquote(world), alias)


def version_entry(version: Version) -> tuple[EntryName, bytes]:
    """Name and content of a version's entry."""
    content = _content("version", version.model_dump(mode="json"))
    return EntryName(version.model, "versions", version.number, _digest(content)), content


def judgements_entry(model: str, number: int, judgements: Judgements) -> tuple[EntryName, bytes]:
    """Name and content of the entry of a version's verdicts and overrules."""
    content = _content("judgements", {"model": model, "number": number, **judgements.model_dump(mode="json")})
    return EntryName(model, "judgements", number, _digest(content), size=len(judgements)), content


def move_entry(move: AliasMove, position: int) -> tuple[EntryName, bytes]:
    """Name and content of the entry of an alias's move, the ``position``-th (from 1) in its history."""
    content = _content("move", {"position": position, **move.model_dump(mode="json")})
    return EntryName(move.model, "moves", position, _digest(content), world=move.world, alias=move.alias), content


def read_version(name: EntryName, content: bytes) -> Version:
    """The version in an entry.

    Raises:
        IntegrityError: the file is torn, or of another format.
    """
    document = _document(name, content, "version")
    return _valid(name, Version, document)


def read_judgements(name: EntryName, content: bytes) -> Judgements:
    """The verdicts and overrules in an entry.

    Raises:
        IntegrityError: the file is torn, or of another format.
    """
    document = _document(name, content, "judgements")
    return _valid(name, Judgements, {key: document[key] for key in document.keys() & Judgements.model_fields.keys()})


def read_move(name: EntryName, content: bytes) -> AliasMove:
    """The move in an entry.

    Raises:
        IntegrityError: the file is torn, or of another format.
    """
    document = _document(name, content, "move")
    return _valid(name, AliasMove, {key: value for key, value in document.items() if key != "position"})


def _content(kind: str, document: dict[str, Any]) -> bytes:
    return canonical_json({"format": FORMAT, "kind": kind, kind: document}) + b"\n"


def _digest(content: bytes) -> str:
    return digest_bytes(content)[:_DIGITS]


def _document(name: EntryName, content: bytes, kind: str) -> dict[str, Any]:
    if _digest(content) != name.digest:
        raise IntegrityError(f"journal entry {name.path}: its bytes are not those that its name says; it is torn or was changed")
    document = json.loads(content)
    if document.get("format") != FORMAT or document.get("kind") != kind:
        raise IntegrityError(f"journal entry {name.path}: format {document.get('format')}, expected {FORMAT}; a newer Tradewind wrote it")
    found = document[kind]
    if not isinstance(found, dict):
        raise IntegrityError(f"journal entry {name.path}: expected an object of kind {kind}")
    return found


def _valid(name: EntryName, record: type[Record], document: dict[str, Any]) -> Record:
    try:
        return record.model_validate(document)
    except ValidationError as error:
        raise IntegrityError(f"journal entry {name.path}: not what this Tradewind writes ({error.error_count()} fields differ)") from error


def _kind(text: str) -> Kind:
    kinds: dict[str, Kind] = {"versions": "versions", "judgements": "judgements", "moves": "moves"}
    return kinds[text]
