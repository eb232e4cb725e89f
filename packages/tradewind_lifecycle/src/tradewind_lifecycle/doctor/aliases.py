"""What aliases stand on: a champion there is, its gates hold today, and the history reads forward."""

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

from tradewind_contracts.instants import iso
from tradewind_lifecycle.doctor.examination import Examination
from tradewind_lifecycle.doctor.findings import Finding, Severity
from tradewind_registry.client import RegistryClient
from tradewind_registry.records import AliasMove, Judgement, Version
from tradewind_registry.references import CHAMPION

TOLERANCE = dt.timedelta(minutes=1)
"""How far two machines' clocks may lie apart; chosen: NTP holds them within a second, a minute says that something is wrong."""


def check_gates(exam: Examination) -> Iterator[Finding]:
    """Each alias of the world: the gates of the version that it names still hold, without an overrule that has expired."""
    if exam.registry is None:
        return
    living = exam.living()
    for alias, version in living:
        for judgement in exam.registry.judgements(version):
            if not judgement.holds(exam.now):
                yield _fallen(exam, alias, version, judgement)
    exam.looked.append(
        f"{len(living)} alias{'es' if len(living) != 1 else ''} of world {exam.settings.world_name} and the gates that they stand on"
    )


def check_champions(exam: Examination) -> Iterator[Finding]:
    """Each model that has versions of the world has a champion in it."""
    if exam.registry is None:
        return
    world = exam.settings.world_name
    for model in exam.registry.models():
        found = exam.registry.summaries(model, world)
        if found and CHAMPION not in exam.registry.aliases(model):
            passed = [summary.reference for summary in found if summary.gates_passed == summary.gates_total]
            yield Finding(
                "champions",
                Severity.CRITICAL,
                f"{model} has {len(found)} versions in world {world} and no {CHAMPION}",
                f"{model}@{CHAMPION}",
                "a service of it does not start, but with the version that its Bento carries",
                exam.command("models", "promote", passed[0], "--why", "its gates passed")
                if passed
                else f"no version passed its gates: {exam.command('models', 'show', found[0].reference)} says which failed and why",
            )


def check_history(exam: Examination) -> Iterator[Finding]:
    """Stamps of the moves of the world's aliases: none in the future, and where they go backwards, that the order still holds."""
    if exam.registry is None:
        return
    for model in exam.registry.models():
        for alias in sorted(exam.registry.aliases(model)):
            moves = exam.registry.history(model, alias)
            yield from _future(exam, model, alias, moves)
            yield from _backwards(model, alias, moves)


def _fallen(exam: Examination, alias: str, version: Version, judgement: Judgement) -> Finding:
    model, _, name = alias.partition("@")
    expired = judgement.overrule is not None
    earlier = _stands_before(exam, exam.registry, model, name)
    back = exam.command("models", "rollback", model, "--alias", name, "--why", f"{judgement.gate} fails") if earlier else exam.run_command
    again = exam.command("models", "overrule", version.reference, "--gate", judgement.gate, "--why", "…", "--days", "7")
    return Finding(
        "gates",
        Severity.CRITICAL if not expired else Severity.WARNING,
        f"{alias} names {version.reference}, and {judgement.gate} does not hold: {judgement.reason}"
        + ("; the overrule has expired" if expired else "; it was judged so after the promotion" if judgement.verdict else ""),
        alias,
        "it is served although it would not be promoted today",
        f"{back} goes back to {earlier}" if earlier else f"{back} trains the next; or overrule with a reason: {again}",
    )


def _stands_before(exam: Examination, registry: RegistryClient | None, model: str, alias: str) -> str | None:
    from tradewind_contracts.errors import NotFoundError
    from tradewind_registry.moves import previous

    if registry is None:
        return None
    try:
        _, target = previous(registry.history(model, alias), model, alias)
    except NotFoundError:
        return None
    version = registry.resolve(f"{model}@{target}")
    return version.reference if all(judgement.holds(exam.now) for judgement in registry.judgements(version)) else None


def _future(exam: Examination, model: str, alias: str, moves: list[AliasMove]) -> Iterator[Finding]:
    ahead = [move for move in moves if move.moved_at > exam.now + TOLERANCE]
    if ahead:
        yield Finding(
            "history",
            Severity.WARNING,
            f"{len(ahead)} moves of {model}@{alias} are stamped in the future, up to {iso(max(move.moved_at for move in ahead))}",
            f"{model}@{alias}",
            "a clock was, or is, wrong: overrules expire by it and reports are cut by it; the order of the history holds, it goes by row",
            "set this machine's clock by NTP (`timedatectl status`), and that of the machine named in the history "
            f"({exam.command('models', 'history', model)}); rows are never rewritten, so this ends when that instant has passed",
        )


def _backwards(model: str, alias: str, moves: list[AliasMove]) -> Iterator[Finding]:
    back = [(before, after) for before, after in pairwise(moves) if after.moved_at < before.moved_at]
    if back:
        before, after = back[-1]
        yield Finding(
            "history",
            Severity.NOTE,
            f"the history of {model}@{alias} goes backwards in time {len(back)} times, last from {iso(before.moved_at)} to {iso(after.moved_at)}",
            f"{model}@{alias}",
            "a clock jumped back; the order of the history holds, it goes by row and never by clock, and so does rolling back",
            "nothing to do",
        )
