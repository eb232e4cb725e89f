"""Mending: rows back into a database that lost them, entries into a journal that lacks them, and a note of what can go nowhere."""

import datetime as dt
import heapq
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import iso
from tradewind_registry.database import Database
from tradewind_registry.journal.comparing import LOST, Fork, Standing
from tradewind_registry.journal.entries import Judgements, KeptOverrule, KeptVerdict
from tradewind_registry.journal.rows import Line, counts_in
from tradewind_registry.journal.writing import Journal
from tradewind_registry.records import AliasMove, Version
from tradewind_registry.rows import verdict_row
from tradewind_registry.schema import AliasHistoryRow, AliasRow, AuditRow, ModelRow, OverruleRow, VerdictRow, VersionRow

RESTORED = "restored"
"""Action of audit entries about rows that came back from the journal."""


def put_back(database: Database, standing: Standing, *, who: str, at: dt.datetime) -> list[str]:
    """Write what the database lacks, in one transaction: all of it or nothing. What was written, in words, also kept in the audit.

    Numbers, instants, names and reasons are those of then; ids are given anew, in the old order.

    Raises:
        StateError: the database refuses, or somebody wrote to the model since it was compared.
    """
    with database.writing() as session:
        _lock(session, standing, at)
        for version in sorted(standing.versions, key=lambda version: version.number):
            session.add(_version_row(version))
        session.flush()
        for number, judgements in sorted(standing.judgements.items()):
            _add_judgements(session, standing.model, number, judgements)
        _add_moves(session, standing.moves)
        told = restored_words(standing)
        for subject, what in told:
            session.add(AuditRow(at=at, who=who, action=RESTORED, subject=subject, run_id="", detail={"what": what}))
    return [f"{subject}: {what}" for subject, what in told]


def restored_words(standing: Standing) -> list[tuple[str, str]]:
    """What ``put_back`` writes: subject and words of each."""
    model = standing.model
    told = [(version.reference, f"version, registered {iso(version.created_at)}") for version in standing.versions]
    for number, judgements in sorted(standing.judgements.items()):
        told.append((f"{model}@{number}", f"{len(judgements) - standing.counts.judgements.get(number, 0)} verdicts and overrules"))
    for (world, alias), moves in sorted(standing.moves.items()):
        steps = ", ".join(f"{move.from_number or 'nothing'} → {move.to_number} by {move.who}" for move in moves)
        told.append((f"{model}@{alias}", f"moves in world {world}: {steps}"))
    return told


def keep_as_lost(database: Database, model: str, forks: list[Fork], *, who: str, at: dt.datetime) -> None:
    """Keep in the audit what can't go back, so that nothing is forgotten, and nobody is told again.

    Raises:
        StateError: the database refuses.
    """
    with database.writing() as session:
        for fork in forks:
            detail: dict[str, Any] = {"entry": fork.path, "what": fork.what}
            session.add(AuditRow(at=at, who=who, action=LOST, subject=model, run_id="", detail=detail))


def write_lacking(database: Database, journal: Journal, standing: Standing) -> None:
    """Write the entries that the journal lacks.

    Raises:
        StateError: the store or the database refuses; entries written by then stay.
    """
    with database.reading() as session:
        for number in standing.unwritten_versions:
            journal.write_version(session, standing.model, number)
        for number in standing.unwritten_judgements:
            journal.write_judgements(session, standing.model, number)
        for (world, alias), positions in standing.unwritten_moves.items():
            journal.write_moves(session, standing.model, world, alias, positions)


def _lock(session: Session, standing: Standing, at: dt.datetime) -> None:
    if session.get(ModelRow, standing.model) is None:
        session.add(ModelRow(name=standing.model, created_at=min([version.created_at for version in standing.versions], default=at)))
        session.flush()
    session.scalar(select(ModelRow.name).where(ModelRow.name == standing.model).with_for_update())
    if counts_in(session, standing.model) != standing.counts:
        raise StateError(f"{standing.model}: somebody wrote to the registry meanwhile; nothing was put back, run `tradewind doctor` again")


def _version_row(version: Version) -> VersionRow:
    instants = {"as_of": version.as_of, "created_at": version.created_at}
    return VersionRow(**version.model_dump(mode="json", exclude=set(instants)), **instants)


def _add_judgements(session: Session, model: str, number: int, judgements: Judgements) -> None:
    query = select(VerdictRow.id).where(VerdictRow.model == model, VerdictRow.number == number).order_by(VerdictRow.id)
    ids = list(session.scalars(query))
    for kept in judgements.verdicts[len(ids) :]:
        ids.append(_added_verdict(session, model, number, kept))
    overrules = select(OverruleRow.id).where(OverruleRow.model == model, OverruleRow.number == number)
    for overrule in judgements.overrules[len(list(session.scalars(overrules))) :]:
        session.add(_overrule_row(model, number, overrule, ids[overrule.verdict - 1]))
        session.flush()


def _added_verdict(session: Session, model: str, number: int, kept: KeptVerdict) -> int:
    row = verdict_row(model, number, kept.verdict, kept.run_id, kept.recorded_at)
    session.add(row)
    session.flush()
    return row.id


def _overrule_row(model: str, number: int, kept: KeptOverrule, verdict_id: int) -> OverruleRow:
    return OverruleRow(model=model, number=number, verdict_id=verdict_id, **kept.model_dump(exclude={"verdict"}))


def _add_moves(session: Session, lost: dict[Line, list[AliasMove]]) -> None:
    # Each line keeps its order whatever the clock said; between lines the instants decide.
    for move in heapq.merge(*(moves for _, moves in sorted(lost.items())), key=lambda move: move.moved_at):
        session.add(AliasHistoryRow(**move.model_dump()))
        session.flush()
    for (world, alias), moves in sorted(lost.items()):
        _point(session, moves[-1].model, world, alias, moves[-1].to_number)


def _point(session: Session, model: str, world: str, alias: str, number: int) -> None:
    row = session.get(AliasRow, (model, world, alias))
    if row is None:
        session.add(AliasRow(model=model, world=world, alias=alias, number=number))
    else:
        row.number = number
    session.flush()
