"""Moving aliases: promotions and rollbacks, each one transaction, each through the gates."""

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from tradewind_registry import moves, queries
from tradewind_registry.errors import ConflictError, GateError
from tradewind_registry.records import AliasMove, Overrule, Version
from tradewind_registry.references import CHAMPION, check_alias
from tradewind_registry.rows import move_record
from tradewind_registry.schema import AliasHistoryRow
from tradewind_registry.writing import RegistryWriter

ANYWHERE = -1
"""``expected`` of a promotion that does not mind where the alias points now."""
MOST_LOOKED_AT = 20
"""Versions that a refused rollback looks at for another to serve. Chosen: a history may be long, the lock is held meanwhile."""


class RegistryMover(RegistryWriter):
    """The writes that say which version is served."""

    def promote(
        self, model: str, number: int, alias: str = CHAMPION, *, why: str, who: str, run_id: str = "", expected: int | None = ANYWHERE
    ) -> AliasMove | None:
        """Point ``alias`` of this registry's world to a version of it each of whose gates holds; None when it already does.

        A gate holds when its last verdict passed, or a person overruled that verdict and the overrule has not expired.
        ``expected`` is where the caller believes that the alias points (None: nowhere): compare and swap.

        Raises:
            WorldError: the version is of another world. The refusal is kept in the audit.
            GateError: a gate failed or was never judged; names each. The refusal is kept in the audit.
            IntegrityError: the version's bundle is not what was sealed.
            ConflictError: the alias points elsewhere than ``expected``; says who moved it, when and why.
            NotFoundError: there is no such version.
            SettingsError: no reason, nobody's name, or an alias that can't be one.
        """
        check_alias(alias)
        moves.check_reason(why, who)
        self.open_bundle(self.resolve(f"{model}@{number}"))
        with self._refusal_kept(model, number, alias, who, run_id), self._database.writing() as session:
            self._lock(session, model)
            version = queries.version_named(session, model, number)
            moves.check_world(version, self.world, alias)
            overrules = moves.check_gates(version, queries.judgements_of(session, version), self._not_before(session))
            current = queries.alias_target(session, model, self.world, alias)
            if moves.elsewhere(current, expected):
                raise ConflictError(moves.moved_meanwhile(model, alias, current, queries.last_move_of(session, model, self.world, alias)))
            if current == number:
                return None
            move = self._move(session, "promote", model, alias, current, number, why, who, run_id, overrules)
        self._journal.note_moves(self._database, model, self.world, alias)
        return move

    def rollback(self, model: str, alias: str = CHAMPION, *, why: str, who: str, run_id: str = "") -> AliasMove:
        """Point ``alias`` back to the version that it was promoted from; twice goes back two.

        Raises:
            NotFoundError: the alias is not set, or there is nothing before.
            GateError: a gate of the earlier version has failed since, or the overrule that it stood on has expired; says what can be served.
            IntegrityError: the earlier version's bundle is not what was sealed.
            ConflictError: somebody moved the alias meanwhile; says who, when and why.
        """
        check_alias(alias)
        moves.check_reason(why, who)
        with self._database.reading() as session:
            seen = moves.previous(queries.steps_of(session, model, self.world, alias), model, alias)
        current, target = seen
        self.open_bundle(self.resolve(f"{model}@{target}"))
        with self._refusal_kept(model, target, alias, who, run_id), self._database.writing() as session:
            self._lock(session, model)
            # The history is read again under the lock: the same two numbers, or somebody moved the alias.
            if moves.previous(queries.steps_of(session, model, self.world, alias), model, alias) != seen:
                now = queries.alias_target(session, model, self.world, alias)
                raise ConflictError(moves.moved_meanwhile(model, alias, now, queries.last_move_of(session, model, self.world, alias)))
            version, at = queries.version_named(session, model, target), self._not_before(session)
            try:
                overrules = moves.check_gates(version, queries.judgements_of(session, version), at)
            except GateError as error:
                raise GateError(
                    f"{error}; {moves.way_out(version, alias, self._servable(session, alias, {current, target}, version, at))}"
                ) from error
            move = self._move(session, "rollback", model, alias, current, target, why, who, run_id, overrules)
        self._journal.note_moves(self._database, model, self.world, alias)
        return move

    def _servable(self, session: Session, alias: str, others_than: set[int], beside: Version, at: dt.datetime) -> str | None:
        """The version that the alias left last of those whose gates hold at ``at``, if any: where to go when there is no way back."""
        steps = queries.steps_of(session, beside.model, self.world, alias)
        served = dict.fromkeys(step.to_number for step in reversed(steps) if step.to_number not in others_than)
        for number in list(served)[:MOST_LOOKED_AT]:
            version = queries.version_named(session, beside.model, number)
            if all(one.holds(at) for one in queries.judgements_of(session, version)):
                return version.reference
        return None

    def _move(
        self,
        session: Session,
        action: str,
        model: str,
        alias: str,
        current: int | None,
        number: int,
        why: str,
        who: str,
        run_id: str,
        overrules: list[Overrule],
    ) -> AliasMove:
        at = self._clock.now()
        if not moves.swap(session, model, self.world, alias, current, number):
            raise ConflictError(f"{model}@{alias} was moved meanwhile; nothing was changed, look and ask again")
        row = AliasHistoryRow(
            model=model,
            world=self.world,
            alias=alias,
            action=action,
            from_number=current,
            to_number=number,
            who=who,
            why=why,
            run_id=run_id,
            moved_at=at,
        )
        session.add(row)
        session.flush()
        detail: dict[str, Any] = {"world": self.world, "from": current, "to": number, "why": why}
        if overrules:
            detail["overrules"] = [moves.told(overrule) for overrule in overrules]
        self._audit(session, action, f"{model}@{alias}", who, run_id, detail)
        return move_record(row)
