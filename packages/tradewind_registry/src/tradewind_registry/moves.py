"""When an alias may move, and where back: the rules, apart from their transaction."""

from typing import Any

from sqlalchemy import CursorResult, insert, update
from sqlalchemy.orm import Session

from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_contracts.verdicts import Verdict
from tradewind_registry.errors import ConflictError, GateError, WorldError
from tradewind_registry.records import AliasMove, Version, latest_verdicts
from tradewind_registry.schema import AliasRow


def check_reason(why: str, who: str) -> None:
    """Refuse a move that nobody would be able to explain later.

    Raises:
        SettingsError: ``why`` or ``who`` is blank.
    """
    for name, value in (("why", why), ("who", who)):
        if not value.strip():
            raise SettingsError(f"{name}: empty; a move of an alias is kept for ever with who did it and why")


def check_gates(version: Version, verdicts: list[Verdict]) -> None:
    """Refuse a version unless the last verdict of each of its gates passed.

    A failed verdict of a gate that the version does not name refuses too: somebody looked and found a fault.

    Raises:
        GateError: names each gate that failed, with its reason, and each without a verdict.
    """
    last = latest_verdicts(verdicts)
    failed = [f"{name}: {last[name].reason}" for name in sorted(last) if not last[name].passed]
    unjudged = [f"{name}: no verdict" for name in sorted(set(version.gates) - last.keys())]
    if failed or unjudged:
        raise GateError(f"{version.reference} may not be served: {'; '.join([*failed, *unjudged])}")


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


def check_expected(model: str, alias: str, current: int | None, expected: int | None) -> None:
    """Refuse when the alias is not where the caller saw it; a negative ``expected`` never minds.

    Raises:
        ConflictError: names where it is.
    """
    if expected is not None and expected < 0:
        return
    if current != expected:
        raise ConflictError(f"{model}@{alias} points to {_target(current)} by now, not to {_target(expected)}; nothing was changed")


def previous(history: list[AliasMove], model: str, alias: str) -> tuple[int, int]:
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


def swap(session: Session, model: str, world: str, alias: str, current: int | None, number: int) -> bool:
    """Move the alias of ``world`` from ``current`` (None: not set) to ``number``; False when it is not at ``current``."""
    if current is None:
        session.execute(insert(AliasRow).values(model=model, world=world, alias=alias, number=number))
        return True
    where = (AliasRow.model == model, AliasRow.world == world, AliasRow.alias == alias, AliasRow.number == current)
    result = session.execute(update(AliasRow).where(*where).values(number=number))
    return isinstance(result, CursorResult) and result.rowcount == 1


def said(verdict: Verdict) -> dict[str, Any]:
    """What a verdict says, without when: two runs that measure the same say the same."""
    return verdict.model_dump(mode="json", exclude={"decided_at"})


def _target(number: int | None) -> str:
    return "nothing" if number is None else f"version {number}"
