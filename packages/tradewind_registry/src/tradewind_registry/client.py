"""The read client: what a service needs of the registry, and nothing that moves. Imports neither Alembic nor feast."""

import datetime as dt
from pathlib import Path
from typing import Self

from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import queries
from tradewind_registry.bundles import BundleStore, bundle_store
from tradewind_registry.database import Database
from tradewind_registry.records import AliasMove, AuditEntry, ExpiredOverrule, Judgement, Overrule, Version, VersionSummary
from tradewind_registry.references import Reference, parse_reference

_KEPT_VERSIONS = 32
"""Versions kept in memory; chosen: a service follows one or two."""


class RegistryClient:
    """Reads versions, aliases, verdicts and bundles. Safe to share between threads.

    Versions never change, so each is read once and kept; an alias is asked for anew each time (one query). Aliases are those of
    ``world``: ``eta@champion`` names another version in another world, ``eta@3`` the same one.
    """

    def __init__(self, database: Database, bundles: BundleStore, world: str) -> None:
        self._database = database
        self._bundles = bundles
        self.world = world
        self._kept: dict[tuple[str, int, str], Version] = {}

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """The client of the registry that ``settings`` name, in their world.

        Raises:
            StateError: there is no registry yet, or it is of another revision.
        """
        database = Database(settings.database_url)
        with database.closed_on_refusal():
            if not database.exists():
                raise StateError(
                    f"registry {database.shown_url}: not there, or of another revision; `tradewind doctor` says what is lost where there was one, `make run` makes or mends it"
                )
            return cls(database, bundle_store(settings.bundle_store_url, settings.paths.bundles), settings.world_name)

    @classmethod
    def open_if_any(cls, settings: Settings) -> Self | None:
        """The client, or ``None`` where nothing was ever registered.

        Raises:
            StateError: there is a registry that can't be read, or that is of another revision.
        """
        database = Database(settings.database_url)
        try:
            if database.is_empty():
                return None
        finally:
            database.close()
        return cls.open(settings)

    def resolve(self, reference: str | Reference) -> Version:
        """The version that ``eta@3``, ``eta@champion`` or ``eta`` (its champion) names now.

        Raises:
            SettingsError: it is no reference.
            NotFoundError: there is no such version or alias; says what there is.
        """
        wanted = parse_reference(reference) if isinstance(reference, str) else reference
        with self._database.reading() as session:
            number, digest = queries.resolved(session, wanted, self.world)
            # With the digest in the key, a database that was restored to another state is noticed.
            key = (wanted.model, number, digest)
            version = self._kept.get(key)
            if version is None:
                version = queries.version_named(session, wanted.model, number)
                if len(self._kept) >= _KEPT_VERSIONS:
                    self._kept.clear()
                self._kept[key] = version
        return version

    def open_bundle(self, version: Version) -> Path:
        """A local folder with the version's bundle, every digest verified; read-only by agreement.

        Raises:
            IntegrityError: a file is absent, added or changed; names it with the expected and the found digest.
        """
        try:
            return self._bundles.open(dict(version.bundle_files))
        except IntegrityError as error:
            raise IntegrityError(f"{version.reference}: {error}; `tradewind doctor --deep` says how to mend it") from error

    def find(self, model: str, inputs_key: str) -> Version | None:
        """The version made of these inputs, if any: who asks first need not train."""
        with self._database.reading() as session:
            return queries.version_of_inputs(session, model, inputs_key)

    def models(self) -> list[str]:
        """The names of all models."""
        with self._database.reading() as session:
            return queries.models_in(session)

    def worlds(self) -> list[str]:
        """The worlds that have a version, by name."""
        with self._database.reading() as session:
            return queries.worlds_in(session)

    def summaries(self, model: str, world: str | None = None, limit: int | None = None) -> list[VersionSummary]:
        """A line for each version, of one world or of all, the newest first; ``limit`` at most."""
        with self._database.reading() as session:
            return queries.summaries_of(session, model, world, limit)

    def count(self, model: str, world: str | None = None) -> int:
        """How many versions there are, of one world or of all."""
        with self._database.reading() as session:
            return queries.versions_count(session, model, world)

    def versions(self, model: str) -> list[Version]:
        """All versions whole, the oldest first; empty for an unknown model."""
        with self._database.reading() as session:
            return queries.versions_of(session, model)

    def verdicts(self, version: Version) -> list[Verdict]:
        """All verdicts on a version in the order of recording; the last of each gate counts."""
        with self._database.reading() as session:
            return queries.verdicts_of(session, version.model, version.number)

    def overrules(self, version: Version) -> list[Overrule]:
        """All overrules of failed verdicts on a version, in the order of recording; of each verdict the last counts."""
        with self._database.reading() as session:
            return queries.overrules_of(session, version.model, version.number)

    def judgements(self, version: Version) -> list[Judgement]:
        """Where a version stands with each gate of its family and each further one that was judged: last verdict, and its overrule."""
        with self._database.reading() as session:
            return queries.judgements_of(session, version)

    def expired_overrules(self, at: dt.datetime) -> list[ExpiredOverrule]:
        """Aliases of all models and worlds that stand on an overrule which has expired at ``at`` (zoned): still served, to be looked at."""
        with self._database.reading() as session:
            return queries.expired_overrules_in(session, at)

    def aliases(self, model: str, world: str | None = None) -> dict[str, int]:
        """Each alias of ``world`` (the client's own by default) and the number that it points to."""
        with self._database.reading() as session:
            return queries.aliases_of(session, model, world or self.world)

    def aliases_everywhere(self, model: str) -> list[tuple[str, str, int]]:
        """World, alias and number of each alias of ``model``, in order of world and alias."""
        with self._database.reading() as session:
            return queries.all_aliases(session, model)

    def history(self, model: str, alias: str | None = None, world: str | None = None) -> list[AliasMove]:
        """The moves of one alias or of all in ``world`` (the client's own by default), the oldest first."""
        with self._database.reading() as session:
            return queries.moves_of(session, model, world or self.world, alias)

    def audit(self, newest: int | None = None) -> list[AuditEntry]:
        """Everything that was done or refused, the oldest first; with ``newest``, the last so many lines of it."""
        with self._database.reading() as session:
            return queries.audit_in(session, newest)

    def close(self) -> None:
        """Return the connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
