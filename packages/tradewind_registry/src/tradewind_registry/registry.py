"""The registry: opens, and registers sealed versions; judging and moving have modules of their own."""

from pathlib import Path
from typing import Self

from sqlalchemy import select

from tradewind_contracts.digests import folder_listing
from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_registry import queries
from tradewind_registry.bundles import bundle_store
from tradewind_registry.database import Database
from tradewind_registry.journal import Journal, check_not_behind
from tradewind_registry.judging import RegistryJudge
from tradewind_registry.moving import RegistryMover
from tradewind_registry.records import Version, VersionDraft
from tradewind_registry.rows import version_row
from tradewind_registry.schema import VersionRow


class Registry(RegistryJudge, RegistryMover):
    """Reads and writes. Each write is one transaction; who writes at the same time waits, then sees the other's work."""

    @classmethod
    def open(cls, settings: Settings, clock: Clock | None = None) -> Self:
        """The registry that ``settings`` name, made or brought to the newest revision first.

        Raises:
            StateError: the database is out of reach, read-only, full, or of a newer Tradewind.
        """
        database = Database(settings.database_url)
        with database.closed_on_refusal():
            database.migrate()
            bundles = bundle_store(settings.bundle_store_url, settings.paths.bundles)
            return cls(database, bundles, settings.world_name, Journal.at(settings.bundle_store_url), clock)

    def register(self, draft: VersionDraft, folder: Path) -> Version:
        """Seal ``draft`` with the bundle in ``folder`` as the model's next version.

        Where the model already has a version of the same inputs key, that one is returned and nothing is written. The
        bundle is kept first, the row last: a crash in between leaves an orphan of the store and no version.

        Raises:
            IntegrityError: the bundle is empty or holds other than open formats.
            StateError: store or database refuses, or the database is older than its journal; no version was registered.
        """
        existing = self.find(draft.model, draft.inputs_key)
        if existing is not None:
            return existing
        digest, listing = self._bundles.put(folder)
        # Read before the lock: the journal never runs ahead of a database that lost nothing.
        journaled = self._journal.highest(draft.model)
        with self._database.writing() as session:
            self._lock(session, draft.model, create=True)
            existing = queries.version_of_inputs(session, draft.model, draft.inputs_key)
            if existing is not None:
                return existing
            highest = queries.highest_number(session, draft.model)
            check_not_behind(draft.model, highest, journaled)
            session.add(version_row(draft, highest + 1, digest, listing, self._clock.now()))
            session.flush()
            detail = {"bundle_digest": digest}
            self._audit(session, "register", f"{draft.model}@{highest + 1}", draft.created_by, draft.run_id, detail)
            made = queries.version_named(session, draft.model, highest + 1)
        self._journal.note_version(self._database, made.model, made.number)
        return made

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

    def orphans(self) -> list[str]:
        """Entries of the bundle store that no version names: left by a crash, or being written right now.

        Where the database is older than its journal, bundles of the versions that it lost are among them: delete by ``discard`` only.
        """
        entries = self._bundles.names()
        with self._database.reading() as session:
            named = set(session.scalars(select(VersionRow.bundle_digest)))
        # A version's own bundle that lacks its listing is no garbage: it was uploaded before listings, or is being replaced.
        return [name for name in entries if name.partition(".")[0] not in named]

    def discard(self, orphan: str) -> None:
        """Delete an entry that ``orphans`` listed, while nobody registers.

        Raises:
            StateError: it is none (a version names it by now), the database is older than its journal, or the store refuses.
        """
        for model in self._journal.models():
            with self._database.reading() as session:
                highest = queries.highest_number(session, model)
            check_not_behind(model, highest, self._journal.highest(model))
        if orphan not in self.orphans():
            raise StateError(f"{orphan}: no orphan of the bundle store; nothing was deleted")
        self._bundles.discard(orphan)
