"""When an alias may move, and where back: the rules, apart from their transaction."""

import datetime as dt
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import CursorResult, insert, update
from sqlalchemy.orm import Session

from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_contracts.instants import iso
from tradewind_contracts.verdicts import Verdict
from tradewind_registry.errors import GateError, WorldError
from tradewind_registry.records import AliasMove, Judgement, Overrule, Version
from tradewind_registry.schema import AliasRow

LONGEST_REASON = 2_000
"""Characters of a reason or a name; chosen: a long paragraph."""

_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Unicode's overrides and isolates of direction: a line that holds one reads as another (UAX 9)."""


class Step(Protocol):
    """What a rollback has to know of a move."""

    @property
    def action(self) -> str:
        """``promote`` or ``rollback``."""
        ...

    @property
    def to_number(self) -> int:
        """Where it went."""
        ...


def check_reason(why: str, who: str) -> None:
    """Refuse what nobody would be able to explain later.

    Raises:
        SettingsError: ``why`` or ``who`` is blank, longer than a reason is, or holds what a terminal would obey or no database takes.
    """
    for name, value in (("why", why), ("who", who)):
        if not value.strip():
            raise SettingsError(f"{name}: empty; moves and overrules are kept for ever with who did it and why")
        if len(value) > LONGEST_REASON:
            raise SettingsError(
                f"{name}: {len(value):,} characters; expected {LONGEST_REASON:,} at most: it stands in each history and card, so name the "
                "document that says more"
            )
        if unprintable(value):
            raise SettingsError(f"{name}: holds control characters, or bytes that are no UTF-8; expected text")


def unprintable(text: str) -> list[str]:
    """The characters of a text that are no text: controls other than line ends and tabs, overrides of direction, halves of characters."""
    return [each for each in text if each not in "\n\r\t" and (unicodedata.category(each) in ("Cc", "Cs") or each in _DIRECTIONS)]


def check_gates(version: Version, judgements: Iterable[Judgement], at: dt.datetime) -> list[Overrule]:
    """Refuse a version unless each of its gates holds at ``at``: the overrules that it stands on, none where all passed.

    A failed verdict of a gate that the version does not name refuses too: somebody looked and found a fault.

    Raises:
        GateError: names each gate that failed, with its reason, and each without a verdict.
    """
    known = sorted(judgements, key=lambda one: (one.verdict is None, one.gate))
    refused = [f"{one.gate}: {_refusal(one)}" for one in known if not one.holds(at)]
    if refused:
        raise GateError(f"{version.reference} may not be served: {'; '.join(refused)}")
    return [overrule for one in known if (overrule := one.stands_on(at)) is not None]


def check_world(version: Version, world: str, alias: str) -> None:
    """Refuse a version of another world than the alias's: its data, zone and clock are not those that the alias answers for.

    Raises:
        WorldError: names both worlds.
    """
    if version.world != world:
        raise WorldError(
            f"{version.model}@{alias} of world {world} can't point to {version.reference}, which is of world {version.world}; "
            f"move the alias of {version.world}, or choose a version of {world}"
        )


def elsewhere(current: int | None, expected: int | None) -> bool:
    """Whether the alias is not where the caller saw it; a negative ``expected`` never minds."""
    return current != expected and not (expected is not None and expected < 0)


def moved_meanwhile(model: str, alias: str, current: int | None, last: AliasMove | None) -> str:
    """What the one who came second is told: where the alias is, and who moved it there, when and why."""
    if current is None or last is None:
        return f"{model}@{alias} points to nothing by now; nothing was changed, look and ask again"
    by = f"{last.who} moved it at {iso(last.moved_at)} ({last.action}): {last.why}"
    return f"{model}@{alias} points to {model}@{current} by now; {by}; nothing was changed, look and ask again"


def previous(history: Sequence[Step], model: str, alias: str) -> tuple[int, int]:
    """Where the alias points, and the version that a rollback returns to. ``history`` of this alias in one world, the oldest first.

    A rollback undoes the promotion that counts now, so two rollbacks go back two versions, not to and fro. Where an alias was
    shared by worlds once (before revision r0002), the moves to other worlds' versions are not in this history: a move may begin
    elsewhere than the one before ended.

    Raises:
        NotFoundError: the alias was never set, or has nothing before.
    """
    served: list[int] = []
    for move in history:
        if move.action == "rollback":
            while served and served[-1] != move.to_number:
                served.pop()
        if not served or served[-1] != move.to_number:
            served.append(move.to_number)
    if not served:
        raise NotFoundError(f"{model}@{alias} is not set; there is nothing to roll back")
    if len(served) == 1:
        raise NotFoundError(
            f"{model}@{alias} has pointed to {model}@{served[0]} from the start; there is no earlier version to roll back to"
        )
    return served[-1], served[-2]


def way_out(version: Version, alias: str, other: str | None) -> str:
    """What can be done where the version that a rollback returns to may not be served; ``other``: the last served one that may."""
    options = [f"`tradewind models overrule {version.reference} --gate <gate> --why … --days 1` lets you roll back to it all the same"]
    if other is not None:
        options.insert(0, f"`tradewind models promote {other} --alias {alias} --why …` serves {other}, whose gates hold")
    return f"nothing was moved; {', or '.join(options)}"


def swap(session: Session, model: str, world: str, alias: str, current: int | None, number: int) -> bool:
    """Move the alias of ``world`` from ``current`` (None: not set) to ``number``; False when it is not at ``current``."""
    if current is None:
        session.execute(insert(AliasRow).values(model=model, world=world, alias=alias, number=number))
        return True
    where = (AliasRow.model == model, AliasRow.world == world, AliasRow.alias == alias, AliasRow.number == current)
    result = session.execute(update(AliasRow).where(*where).values(number=number))
    return isinstance(result, CursorResult) and result.rowcount == 1


def told(overrule: Overrule) -> dict[str, Any]:
    """An overrule as the audit tells it."""
    return overrule.model_dump(mode="json", include={"gate", "who", "why", "expires_at", "verdict_id"})


def said(verdict: Verdict) -> dict[str, Any]:
    """What a verdict says, without when: two runs that measure the same say the same."""
    return verdict.model_dump(mode="json", exclude={"decided_at"})


def _refusal(one: Judgement) -> str:
    if one.verdict is None or one.overrule is None:
        return one.reason
    return f"{one.verdict.reason} (the overrule by {one.overrule.who} expired {iso(one.overrule.expires_at)})"
