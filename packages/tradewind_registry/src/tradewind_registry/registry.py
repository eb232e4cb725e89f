"""The registry: registers sealed versions, records verdicts, and moves aliases through the gates."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from tradewind_contracts.digests import folder_listing
from tradewind_contracts.errors import IntegrityError, NotFoundError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import moves, queries
from tradewind_registry.bundles import BundleStore, bundle_store
from tradewind_registry.client import RegistryClient
from tradewind_registry.database import Database
from tradewind_registry.errors import ConflictError, GateError, WorldError
from tradewind_registry.records import AliasMove, Version, VersionDraft, latest_verdicts
from tradewind_registry.references import CHAMPION, check_alias
from tradewind_registry.rows import move_record, verdict_row, version_row
from tradewind_registry.schema import AliasHistoryRow, AuditRow, Instant, ModelRow, VersionRow

ANYWHERE = -1
"""``expected`` of a promotion that does not mind where the alias points now."""

_NEW_MODEL = text("insert into models (name, created_at) values (:name, :at) on conflict do nothing").bindparams(
    bindparam("at", type_=Instant)
)


class Registry(RegistryClient):
    """Reads and writes. Each write is one transaction; who writes at the same time waits, then sees the other's work.

    ``clock`` stamps rows. It is the wall's by default, also where the world's clock is frozen: history tells when people
    and runs did things, not what the data is as of. The order of rows never depends on it.
    """

    def __init__(self, database: Database, bundles: BundleStore, world: str, clock: Clock | None = None) -> None:
        super().__init__(database, bundles, world)
        self._clock = clock or Clock()

    @classmethod
    def open(cls, settings: Settings, clock: Clock | None = None) -> Self:
        """The registry that ``settings`` name, made or brought to the newest revision first.

        Raises:
            StateError: the database is out of reach, read-only, full, or of a newer Tradewind.
        """
        database = Database(settings.database_url)
        with database.closed_on_refusal():
            database.migrate()
            return cls(database, bundle_store(settings.bundle_store_url, settings.paths.bundles), settings.world_name, clock)

    def register(self, draft: VersionDraft, folder: Path) -> Version:
        """Seal ``draft`` with the bundle in ``folder`` as the model's next version.

        Where the model already has a version of the same inputs key, that one is returned and nothing is written. The
        bundle is kept first, the row last: a crash in between leaves an orphan of the store and no version.

        Raises:
            IntegrityError: the bundle is empty or holds other than open formats.
            StateError: store or database refuses; no version was registered.
        """
        existing = self.find(draft.model, draft.inputs_key)
        if existing is not None:
            return existing
        digest, listing = self._bundles.put(folder)
        with self._database.writing() as session:
            self._lock(session, draft.model, create=True)
            existing = queries.version_of_inputs(session, draft.model, draft.inputs_key)
            if existing is not None:
                return existing
            number = queries.highest_number(session, draft.model) + 1
            session.add(version_row(draft, number, digest, listing, self._clock.now()))
            session.flush()
            self._audit(session, "register", f"{draft.model}@{number}", draft.created_by, draft.run_id, {"bundle_digest": digest})
            return queries.version_named(session, draft.model, number)

    def mend_bundle(self, version: Version, folder: Path) -> bool:
        """Put the bundle of ``version`` back where the store's copy was damaged or lost; whether it had to be.

        Only from a ``folder`` that holds just what was sealed: from any other nothing is done, and whoever reads is refused.

        Raises:
            StateError: the store refuses.
        """
        try:
            self._bundles.open(dict(version.bundle_files))
        except IntegrityError:
            if folder_listing(folder) != version.bundle_files:
                return False
            self._bundles.put(folder)
            return True
        return False

    def record_verdicts(self, model: str, number: int, verdicts: Iterable[Verdict], *, who: str = "tradewind", run_id: str = "") -> None:
        """Add outcomes of gates to a version; of each gate the last counts, and earlier ones stay.

        A verdict that says the same as the last one of its gate is not recorded again.

        Raises:
            NotFoundError: there is no such version.
        """
        with self._database.writing() as session:
            self._lock(session, model)
            queries.version_named(session, model, number)
            known = latest_verdicts(queries.verdicts_of(session, model, number))
            fresh = [v for v in verdicts if v.gate not in known or moves.said(known[v.gate]) != moves.said(v)]
            for verdict in fresh:
                session.add(verdict_row(model, number, verdict, run_id, self._clock.now()))
                session.flush()
            if fresh:
                self._audit(session, "verdicts", f"{model}@{number}", who, run_id, {v.gate: v.passed for v in fresh})

    def promote(
        self, model: str, number: int, alias: str = CHAMPION, *, why: str, who: str, run_id: str = "", expected: int | None = ANYWHERE
    ) -> AliasMove | None:
        """Point ``alias`` of this registry's world to a version of it that passed each gate of its family; None when it already does.

        ``expected`` is where the caller believes that the alias points (None: nowhere): compare and swap.

        Raises:
            WorldError: the version is of another world. The refusal is kept in the audit.
            GateError: a gate failed or was never judged; names each. The refusal is kept in the audit.
            IntegrityError: the version's bundle is not what was sealed.
            ConflictError: the alias points elsewhere than ``expected``.
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
            moves.check_gates(version, queries.verdicts_of(session, model, number))
            current = queries.alias_target(session, model, self.world, alias)
            moves.check_expected(model, alias, current, expected)
            if current == number:
                return None
            return self._move(session, "promote", model, alias, current, number, why, who, run_id)

    def rollback(self, model: str, alias: str = CHAMPION, *, why: str, who: str, run_id: str = "") -> AliasMove:
        """Point ``alias`` back to the version that it was promoted from; twice goes back two.

        Raises:
            NotFoundError: the alias is not set, or there is nothing before.
            GateError: a gate of the earlier version has failed since.
            IntegrityError: the earlier version's bundle is not what was sealed.
            ConflictError: somebody moved the alias meanwhile.
        """
        check_alias(alias)
        moves.check_reason(why, who)
        current, target = moves.previous(self.history(model, alias), model, alias)
        self.open_bundle(self.resolve(f"{model}@{target}"))
        with self._refusal_kept(model, target, alias, who, run_id), self._database.writing() as session:
            self._lock(session, model)
            moves.check_gates(queries.version_named(session, model, target), queries.verdicts_of(session, model, target))
            # The history is read again under the lock: the same two numbers, or somebody moved the alias.
            now_current, now_target = moves.previous(queries.moves_of(session, model, self.world, alias), model, alias)
            if (now_current, now_target) != (current, target):
                raise ConflictError(
                    f"{model}@{alias} was moved meanwhile to {model}@{now_current}; nothing was rolled back, look and ask again"
                )
            return self._move(session, "rollback", model, alias, current, target, why, who, run_id)

    def orphans(self) -> list[str]:
        """Entries of the bundle store that no version names: left by a crash, or being written right now. Safe to delete
        when nobody registers.
        """
        entries = self._bundles.names()
        with self._database.reading() as session:
            named = set(session.scalars(select(VersionRow.bundle_digest)))
        return [name for name in entries if name not in named]

    def _lock(self, session: Session, model: str, create: bool = False) -> None:
        # Writers of one model queue here; SQLite's own lock is already held, PostgreSQL takes the row's.
        if create:
            session.execute(_NEW_MODEL, {"name": model, "at": self._clock.now()})
        if session.scalar(select(ModelRow.name).where(ModelRow.name == model).with_for_update()) is None:
            raise NotFoundError(f"no model {model}; there {queries.versions_in_words(session, model)}")

    def _move(
        self, session: Session, action: str, model: str, alias: str, current: int | None, number: int, why: str, who: str, run_id: str
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
        self._audit(session, action, f"{model}@{alias}", who, run_id, {"world": self.world, "from": current, "to": number, "why": why})
        return move_record(row)

    def _audit(self, session: Session, action: str, subject: str, who: str, run_id: str, detail: dict[str, Any]) -> None:
        session.add(AuditRow(at=self._clock.now(), who=who, action=action, subject=subject, run_id=run_id, detail=detail))

    @contextlib.contextmanager
    def _refusal_kept(self, model: str, number: int, alias: str, who: str, run_id: str) -> Iterator[None]:
        try:
            yield
        except (GateError, WorldError) as error:
            with self._database.writing() as session:
                self._audit(session, "refused", f"{model}@{alias}", who, run_id, {"world": self.world, "to": number, "reason": str(error)})
            raise
