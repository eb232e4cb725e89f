"""What every write of the registry shares: one transaction a deed, the lock of its model, its line in the audit."""

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.instants import Clock
from tradewind_registry import queries
from tradewind_registry.bundles import BundleStore
from tradewind_registry.client import RegistryClient
from tradewind_registry.database import Database
from tradewind_registry.errors import GateError, WorldError
from tradewind_registry.journal import Journal
from tradewind_registry.schema import AuditRow, Instant, ModelRow

_NEW_MODEL = text("insert into models (name, created_at) values (:name, :at) on conflict do nothing").bindparams(
    bindparam("at", type_=Instant)
)


class RegistryWriter(RegistryClient):
    """The ground of ``Registry``. Who writes at the same time waits, then sees the other's work.

    ``clock`` stamps rows. It is the wall's by default, also where the world's clock is frozen: history tells when people
    and runs did things, not what the data is as of. The order of rows never depends on it. ``journal`` is told of each
    write after its commit.
    """

    def __init__(self, database: Database, bundles: BundleStore, world: str, journal: Journal, clock: Clock | None = None) -> None:
        super().__init__(database, bundles, world)
        self._journal = journal
        self._clock = clock or Clock()

    def _lock(self, session: Session, model: str, create: bool = False) -> None:
        # Writers of one model queue here; SQLite's own lock is already held, PostgreSQL takes the row's.
        if create:
            session.execute(_NEW_MODEL, {"name": model, "at": self._clock.now()})
        if session.scalar(select(ModelRow.name).where(ModelRow.name == model).with_for_update()) is None:
            raise NotFoundError(f"no model {model}; there {queries.versions_in_words(session, model)}")

    def _audit(self, session: Session, action: str, subject: str, who: str, run_id: str, detail: dict[str, Any]) -> None:
        session.add(AuditRow(at=self._clock.now(), who=who, action=action, subject=subject, run_id=run_id, detail=detail))

    def _not_before(self, session: Session) -> dt.datetime:
        """Now, but never before what was recorded already: a clock that jumped back brings no expired overrule to life."""
        return max([self._clock.now(), *queries.latest_instants(session)])

    @contextlib.contextmanager
    def _refusal_kept(self, model: str, number: int, alias: str, who: str, run_id: str) -> Iterator[None]:
        try:
            yield
        except (GateError, WorldError) as error:
            with self._database.writing() as session:
                self._audit(session, "refused", f"{model}@{alias}", who, run_id, {"world": self.world, "to": number, "reason": str(error)})
            raise
