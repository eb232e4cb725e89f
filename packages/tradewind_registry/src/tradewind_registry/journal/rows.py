"""What the database holds of one model, in the journal's terms: counts to compare listings with, and records to compare entries with."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tradewind_registry.journal.entries import Judgements, KeptOverrule, KeptVerdict
from tradewind_registry.records import AliasMove
from tradewind_registry.rows import move_record, verdict_record
from tradewind_registry.schema import AliasHistoryRow, OverruleRow, VerdictRow, VersionRow

Line = tuple[str, str]
"""World and alias: what has one history."""


@dataclass(frozen=True)
class Counts:
    """How much of a model there is: numbers of its versions, verdicts and overrules by version, moves by world and alias."""

    numbers: frozenset[int] = frozenset()
    judgements: dict[int, int] = field(default_factory=dict)
    moves: dict[Line, int] = field(default_factory=dict)


def counts_in(session: Session, model: str) -> Counts:
    """What the database holds of ``model``: three queries, however many versions."""
    numbers = frozenset(session.scalars(select(VersionRow.number).where(VersionRow.model == model)))
    judged: Counter[int] = Counter()
    for table in (VerdictRow, OverruleRow):
        grouped = select(table.number, func.count()).where(table.model == model).group_by(table.number)
        judged.update({number: count for number, count in session.execute(grouped)})
    lines = (AliasHistoryRow.world, AliasHistoryRow.alias)
    moved = session.execute(select(*lines, func.count()).where(AliasHistoryRow.model == model).group_by(*lines))
    return Counts(numbers, dict(judged), {(world, alias): count for world, alias, count in moved})


def judgements_in(session: Session, model: str, number: int) -> Judgements:
    """All verdicts and overrules of a version, in the order of recording."""
    verdicts = session.scalars(
        select(VerdictRow).where(VerdictRow.model == model, VerdictRow.number == number).order_by(VerdictRow.id)
    ).all()
    place = {row.id: i for i, row in enumerate(verdicts, start=1)}
    overrules = session.scalars(
        select(OverruleRow).where(OverruleRow.model == model, OverruleRow.number == number).order_by(OverruleRow.id)
    )
    return Judgements(
        verdicts=tuple(KeptVerdict(verdict=verdict_record(v), run_id=v.run_id, recorded_at=v.recorded_at) for v in verdicts),
        overrules=tuple(
            KeptOverrule(gate=o.gate, verdict=place[o.verdict_id], who=o.who, why=o.why, recorded_at=o.recorded_at, expires_at=o.expires_at)
            for o in overrules
        ),
    )


def moves_count(session: Session, model: str, world: str, alias: str) -> int:
    """How often the alias was moved."""
    where = (AliasHistoryRow.model == model, AliasHistoryRow.world == world, AliasHistoryRow.alias == alias)
    return session.scalar(select(func.count()).select_from(AliasHistoryRow).where(*where)) or 0


def moves_from(session: Session, model: str, world: str, alias: str, position: int) -> list[AliasMove]:
    """The moves of the alias from the ``position``-th (from 1) on."""
    where = (AliasHistoryRow.model == model, AliasHistoryRow.world == world, AliasHistoryRow.alias == alias)
    query = select(AliasHistoryRow).where(*where).order_by(AliasHistoryRow.id).offset(position - 1)
    return [move_record(row) for row in session.scalars(query)]
