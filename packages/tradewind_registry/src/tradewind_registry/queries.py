"""Reads inside of one session: shared by the client, which only reads, and the registry, which reads before it writes."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.verdicts import Verdict
from tradewind_registry.moves import Step
from tradewind_registry.records import AliasMove, AuditEntry, ExpiredOverrule, Judgement, Overrule, Version, VersionSummary
from tradewind_registry.references import Reference
from tradewind_registry.rows import audit_record, move_record, overrule_record, verdict_record, version_record
from tradewind_registry.schema import AliasHistoryRow, AliasRow, AuditRow, Base, ModelRow, OverruleRow, VerdictRow, VersionRow

_BETWEEN_GATES = "\n"

# Made once, and of plain tables: services ask this again and again, and building it took longer than answering it.
_VERSIONS, _ALIASES = Base.metadata.tables["versions"].c, Base.metadata.tables["aliases"].c
_RESOLVED = select(_VERSIONS.number, _VERSIONS.bundle_digest).where(_VERSIONS.model == bindparam("model"))
_BY_NUMBER = _RESOLVED.where(_VERSIONS.number == bindparam("number"))
_BY_ALIAS = _RESOLVED.where(
    _ALIASES.model == _VERSIONS.model,
    _ALIASES.number == _VERSIONS.number,
    _ALIASES.world == bindparam("world"),
    _ALIASES.alias == bindparam("alias"),
)


class _Step(NamedTuple):
    action: str
    to_number: int


def version_named(session: Session, model: str, number: int) -> Version:
    """The version ``model@number``.

    Raises:
        NotFoundError: there is none; says which there are.
    """
    row = session.get(VersionRow, (model, number))
    if row is None:
        raise NotFoundError(f"no version {model}@{number}; there {versions_in_words(session, model)}")
    return version_record(row)


def versions_of(session: Session, model: str) -> list[Version]:
    """All versions of ``model``, the oldest first."""
    return [version_record(row) for row in session.scalars(select(VersionRow).where(VersionRow.model == model).order_by(VersionRow.number))]


def version_of_inputs(session: Session, model: str, inputs_key: str) -> Version | None:
    """The version registered for these inputs, if any."""
    row = session.scalars(select(VersionRow).where(VersionRow.model == model, VersionRow.inputs_key == inputs_key)).one_or_none()
    return version_record(row) if row else None


def highest_number(session: Session, model: str) -> int:
    """The highest version number of ``model``, 0 without any; numbers are dense, so it is the count too."""
    return session.scalar(select(func.max(VersionRow.number)).where(VersionRow.model == model)) or 0


def alias_target(session: Session, model: str, world: str, alias: str) -> int | None:
    """The number that the alias of ``world`` points to, if it is set."""
    where = (AliasRow.model == model, AliasRow.world == world, AliasRow.alias == alias)
    return session.scalar(select(AliasRow.number).where(*where))


def resolved(session: Session, reference: Reference, world: str) -> tuple[int, str]:
    """Number and bundle digest of what ``reference`` names in ``world``: one light query, as services ask it again and again.

    A number names the same version in every world; an alias is the world's own.

    Raises:
        NotFoundError: there is no such version or alias; says what there is.
    """
    if reference.number is not None:
        found = session.connection().execute(_BY_NUMBER, {"model": reference.model, "number": reference.number}).one_or_none()
    else:
        asked = {"model": reference.model, "world": world, "alias": reference.alias}
        found = session.connection().execute(_BY_ALIAS, asked).one_or_none()
    if found is None:
        raise NotFoundError(_missing(session, reference, world))
    return found[0], found[1]


def verdicts_of(session: Session, model: str, number: int) -> list[Verdict]:
    """All verdicts on a version, in the order in which they were recorded."""
    query = select(VerdictRow).where(VerdictRow.model == model, VerdictRow.number == number).order_by(VerdictRow.id)
    return [verdict_record(row) for row in session.scalars(query)]


def overrules_of(session: Session, model: str, number: int) -> list[Overrule]:
    """All overrules on a version's verdicts, in the order in which they were recorded."""
    query = select(OverruleRow).where(OverruleRow.model == model, OverruleRow.number == number).order_by(OverruleRow.id)
    return [overrule_record(row) for row in session.scalars(query)]


def judgements_of(session: Session, version: Version) -> list[Judgement]:
    """Where a version stands with each of its gates, in the family's order, then with each further gate that was judged."""
    query = select(VerdictRow).where(VerdictRow.model == version.model, VerdictRow.number == version.number).order_by(VerdictRow.id)
    last = {row.gate: row for row in session.scalars(query)}
    # The last word on a verdict counts: so a person may shorten what was granted.
    overruled = {overrule.verdict_id: overrule for overrule in overrules_of(session, version.model, version.number)}
    return [
        Judgement(gate, verdict_record(last[gate]), last[gate].id, overruled.get(last[gate].id)) if gate in last else Judgement(gate)
        for gate in dict.fromkeys([*version.gates, *last])
    ]


def audit_in(session: Session, newest: int | None = None) -> list[AuditEntry]:
    """Everything that was done or refused, the oldest first; of it the ``newest`` only."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(newest)
    return [audit_record(row) for row in session.scalars(query)][::-1]


def moves_of(session: Session, model: str, world: str | None, alias: str | None = None) -> list[AliasMove]:
    """The moves of one alias or of all, of one world or of all, the oldest first."""
    query = select(AliasHistoryRow).where(AliasHistoryRow.model == model).order_by(AliasHistoryRow.id)
    if world is not None:
        query = query.where(AliasHistoryRow.world == world)
    if alias is not None:
        query = query.where(AliasHistoryRow.alias == alias)
    return [move_record(row) for row in session.scalars(query)]


def steps_of(session: Session, model: str, world: str, alias: str) -> Sequence[Step]:
    """The moves of an alias as a rollback looks at them, the oldest first: light, as a history may be long."""
    where = (AliasHistoryRow.model == model, AliasHistoryRow.world == world, AliasHistoryRow.alias == alias)
    query = select(AliasHistoryRow.action, AliasHistoryRow.to_number).where(*where).order_by(AliasHistoryRow.id)
    return [_Step(action, to_number) for action, to_number in session.execute(query)]


def last_move_of(session: Session, model: str, world: str, alias: str) -> AliasMove | None:
    """The last move of an alias, if it was ever set."""
    where = (AliasHistoryRow.model == model, AliasHistoryRow.world == world, AliasHistoryRow.alias == alias)
    row = session.scalars(select(AliasHistoryRow).where(*where).order_by(AliasHistoryRow.id.desc()).limit(1)).one_or_none()
    return move_record(row) if row else None


def latest_instants(session: Session) -> list[dt.datetime]:
    """The stamps of the last hundred lines of the audit: nobody who acts now acts before them. Chosen: a clock that jumped back is mended
    within so many deeds.
    """
    return list(session.scalars(select(AuditRow.at).order_by(AuditRow.id.desc()).limit(100)))


def expired_overrules_in(session: Session, at: dt.datetime) -> list[ExpiredOverrule]:
    """Each alias of any world that points to a version of which a gate held by an overrule that has expired at ``at``."""
    columns = (AliasRow.world, AliasRow.alias, AliasRow.model, AliasRow.number)
    overruled = (OverruleRow.model == AliasRow.model) & (OverruleRow.number == AliasRow.number)
    query = select(*columns).where(select(OverruleRow.id).where(overruled).exists()).order_by(*columns)
    return [
        ExpiredOverrule(world=world, alias=alias, overrule=one.overrule)
        for world, alias, model, number in session.execute(query)
        for one in judgements_of(session, version_named(session, model, number))
        if one.overrule is not None and not one.holds(at)
    ]


def worlds_in(session: Session) -> list[str]:
    """The worlds that have a version, by name."""
    return list(session.scalars(select(VersionRow.world).distinct().order_by(VersionRow.world)))


def aliases_of(session: Session, model: str, world: str) -> dict[str, int]:
    """Each alias of ``model`` in ``world`` and the number that it points to."""
    return {alias: number for of, alias, number in all_aliases(session, model) if of == world}


def all_aliases(session: Session, model: str) -> list[tuple[str, str, int]]:
    """World, alias and number of each alias of ``model``, in order of world and alias."""
    query = select(AliasRow.world, AliasRow.alias, AliasRow.number).where(AliasRow.model == model)
    return [(world, alias, number) for world, alias, number in session.execute(query.order_by(AliasRow.world, AliasRow.alias))]


def versions_count(session: Session, model: str, world: str | None = None) -> int:
    """How many versions there are, of one world or of all."""
    query = select(func.count()).select_from(VersionRow).where(VersionRow.model == model)
    return session.scalar(query if world is None else query.where(VersionRow.world == world)) or 0


def summaries_of(session: Session, model: str, world: str | None = None, limit: int | None = None) -> list[VersionSummary]:
    """A line for each version, of one world or of all, the newest first, ``limit`` at most; leaves the large columns unread.

    Three queries, however many versions.
    """
    aliases = all_aliases(session, model)
    columns = (VersionRow.number, VersionRow.created_at, VersionRow.as_of, VersionRow.metrics, VersionRow.bundle_digest, VersionRow.run_id)
    more = (VersionRow.world, VersionRow.gates, VersionRow.baselines, VersionRow.facts)
    query = select(*columns, *more).where(VersionRow.model == model).order_by(VersionRow.number.desc()).limit(limit)
    rows = session.execute(query if world is None else query.where(VersionRow.world == world)).all()
    passed = _passed_gates(session, model, rows[-1].number, rows[0].number) if rows else {}
    return [
        # Not validated again: the rows are what was validated when it was sealed.
        VersionSummary.model_construct(
            model=model,
            number=row.number,
            world=row.world,
            data_kind=str(row.facts.get("data_kind", "")),
            created_at=row.created_at,
            as_of=row.as_of,
            metrics=row.metrics,
            baselines=row.baselines,
            bundle_digest=row.bundle_digest,
            run_id=row.run_id,
            gates_passed=len(passed.get(row.number, set()) & set(row.gates)),
            gates_total=len(row.gates),
            aliases=tuple(alias for _, alias, number in aliases if number == row.number),
        )
        for row in rows
    ]


def _passed_gates(session: Session, model: str, first: int, last: int) -> dict[int, set[str]]:
    """Gates whose last verdict passed, of the versions from ``first`` to ``last``."""
    asked = (VerdictRow.model == model, VerdictRow.number.between(first, last))
    newest = select(func.max(VerdictRow.id)).where(*asked).group_by(VerdictRow.number, VerdictRow.gate)
    # One row a version, its gates in one text: ten thousand versions have a hundred thousand verdicts and more.
    gates = func.aggregate_strings(VerdictRow.gate, _BETWEEN_GATES)
    query = select(VerdictRow.number, gates).where(VerdictRow.id.in_(newest), VerdictRow.passed).group_by(VerdictRow.number)
    return {number: set(text.split(_BETWEEN_GATES)) for number, text in session.execute(query)}


def models_in(session: Session) -> list[str]:
    """The names of all models."""
    return list(session.scalars(select(ModelRow.name).order_by(ModelRow.name)))


def versions_in_words(session: Session, model: str) -> str:
    """What there is, for an error: ``are eta@1 … eta@3``."""
    highest = highest_number(session, model)
    if highest == 0:
        models = models_in(session)
        return f"is no model {model} (there are: {', '.join(models)})" if models else "is no model at all yet; `make run` registers one"
    if highest == 1:
        return f"is {model}@1 only"
    return f"are {model}@1 … {model}@{highest}" if highest > 2 else f"are {model}@1 and {model}@2"


def _missing(session: Session, reference: Reference, world: str) -> str:
    if reference.number is not None or highest_number(session, reference.model) == 0:
        return f"no version {reference}; there {versions_in_words(session, reference.model)}"
    aliases = all_aliases(session, reference.model)
    known = ", ".join(f"{reference.model}@{alias} → {number} (world {of})" for of, alias, number in aliases) or "none is set"
    return f"no alias {reference} in world {world}; aliases: {known}; versions: there {versions_in_words(session, reference.model)}"
