"""The bundles: those that aliases name are there to the last byte, and nothing stands in the store that no version names."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tradewind_contracts.digests import folder_listing
from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_lifecycle.doctor.examination import OLD, Examination
from tradewind_lifecycle.doctor.findings import Finding, Severity
from tradewind_registry.bundles import BundleStore, bundle_store
from tradewind_registry.client import RegistryClient
from tradewind_registry.records import Version
from tradewind_registry.tidying import delete_entry, newest_write


def check_bundles(exam: Examination) -> Iterator[Finding]:
    """The bundle of each version that an alias of the world names, or with ``deep`` of every version: as the store itself has it."""
    if exam.registry is None:
        return
    named = {version.reference: (alias, version) for alias, version in exam.living()}
    if exam.deep:
        every = (version for model in exam.registry.models() for version in exam.registry.versions(model))
        named = {version.reference: ("", version) for version in every} | named
    for alias, version in named.values():
        damage = _damage(exam, version)
        if damage is not None:
            yield _damaged(exam, exam.registry, alias, version, damage)
    exam.looked.append(f"{len(named)} bundle{'s' if len(named) != 1 else ''}, each byte")


def check_orphans(exam: Examination) -> Iterator[Finding]:
    """Entries of the store that neither database nor journal names. Young ones may be on their way to a version."""
    if exam.registry is None:
        return
    registry, url = exam.registry, exam.settings.bundle_store_url
    kept = {summary.bundle_digest for model in registry.models() for summary in registry.summaries(model)}
    kept |= {digest for standing in exam.standings.values() for digest in standing.bundles}
    entries = [name for name in _store(exam).names() if not name.startswith(".") and name.partition(".")[0] not in kept]
    old = [name for name in entries if _is_old(exam, name)]
    if old:
        certain = not any(standing.damaged for standing in exam.standings.values())
        yield Finding(
            "orphans",
            Severity.WARNING,
            f"{len(old)} of the store's entries belong to no version and are older than an hour: {', '.join(name[:20] for name in old[:6])}"
            + ("" if certain else "; the journal has torn entries, so nobody can say that no lost version names them"),
            url,
            "garbage of registrations that a crash cut short: it takes room, and harms nothing",
            exam.mend_command if certain else f"mend the journal first ({exam.mend_command}), then look again",
            partial(_delete, exam, old) if certain else None,
        )
    exam.looked.append("the bundle store's other entries")


def _damage(exam: Examination, version: Version) -> str | None:
    try:
        if exam.settings.bundle_store_url.startswith("file:"):
            _store(exam).open(dict(version.bundle_files))
        else:
            # A whole local copy would hide what is wrong with the store's own: it is fetched anew.
            with tempfile.TemporaryDirectory(prefix="tradewind-doctor-") as scratch:
                bundle_store(exam.settings.bundle_store_url, Path(scratch)).open(dict(version.bundle_files))
    except IntegrityError as error:
        return str(error)
    return None


def _damaged(exam: Examination, registry: RegistryClient, alias: str, version: Version, damage: str) -> Finding:
    source = _same_content(exam, version)
    back = _way_back(exam, registry, alias, version) if alias else "no alias names it; nobody is served by it"
    return Finding(
        "bundles",
        Severity.CRITICAL if alias else Severity.WARNING,
        f"the bundle of {version.reference}{f' ({alias})' if alias else ''} is not what was sealed: {damage}",
        f"{exam.settings.bundle_store_url}/{version.bundle_digest}",
        "a service that starts now refuses it; those that run go on with what they have loaded",
        f"{exam.mend_command} takes it from {source}" if source else f"restore it from a backup of the store; until then: {back}",
        partial(_mend, exam, version, source) if source else None,
    )


def _mend(exam: Examination, version: Version, source: Path) -> list[str]:
    _store(exam).put(source)
    if _damage(exam, version) is not None:
        raise StateError(f"{version.reference}: the store still does not hold what was sealed; nothing else was changed")
    return [f"put the bundle of {version.reference} back from {source}, each digest proven"]


def _same_content(exam: Examination, version: Version) -> Path | None:
    """A folder of the home with just the files that were sealed: what training left, what a Bento carries, a local copy of a store."""
    home, paths = exam.settings.paths.home, exam.settings.paths
    own = paths.bundles / version.bundle_digest
    local = [] if exam.settings.bundle_store_url.startswith("file:") else [own]
    candidates = sorted(home.glob("worlds/*/candidates/*/bundle"))
    baked = sorted(paths.bentos.glob("bentos/*/*/src/baked/bundle"))
    for folder in (*local, *candidates, *baked):
        if folder.is_dir() and folder_listing(folder) == version.bundle_files:
            return folder
    return None


def _way_back(exam: Examination, registry: RegistryClient, alias: str, version: Version) -> str:
    """The newest version that the alias named before and that may be served: how to get there."""
    model, _, name = alias.partition("@")
    for move in reversed(registry.history(model, name)):
        earlier = move.from_number
        if earlier is None or earlier == version.number:
            continue
        found = registry.resolve(f"{model}@{earlier}")
        if _damage(exam, found) is None and all(judgement.holds(exam.now) for judgement in registry.judgements(found)):
            why = f"{version.reference} is damaged"
            return exam.command("models", "promote", found.reference, "--alias", name, "--why", why)
    return f"no earlier version of {alias} can be served either: {exam.run_command} trains one"


def _is_old(exam: Examination, entry: str) -> bool:
    written = newest_write(exam.settings.bundle_store_url, entry)
    return written is not None and written < exam.now - OLD


def _delete(exam: Examination, entries: list[str]) -> list[str]:
    store, url = _store(exam), exam.settings.bundle_store_url
    gone = [entry for entry in entries if delete_entry(store, url, entry, older_than=exam.now - OLD)]
    return [f"deleted {entry} from the bundle store" for entry in gone]


def _store(exam: Examination) -> BundleStore:
    return bundle_store(exam.settings.bundle_store_url, exam.settings.paths.bundles)
