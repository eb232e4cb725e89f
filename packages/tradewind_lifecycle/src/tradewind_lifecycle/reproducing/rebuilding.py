"""The training set once more, from what has landed: both halves of dbt, publishing, Feast's registry, the join, all in a scratch home."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_features.pushing.listing import pushed_files
from tradewind_lifecycle import feature_store, publishing
from tradewind_lifecycle.reproducing.frames import first_differences
from tradewind_lifecycle.reproducing.records import Outcome, Rebuilt
from tradewind_lifecycle.reproducing.scratch import link_tree
from tradewind_lifecycle.sealed_frames import sealed_frame
from tradewind_lifecycle.training_sets import SealedSet
from tradewind_lifecycle.warehouse import Half, run_dbt
from tradewind_registry import Version

HALVES: tuple[Half, ...] = ("marts", "features")


def rebuild(settings: Settings, scratch: Settings, version: Version, say: Callable[[str], None]) -> SealedSet:
    """The training set at the version's as_of, built in the scratch home from what has landed in ``settings``' world.

    Rows that were pushed to views are no function of the landing: they are taken from the world's own log.

    Raises:
        QualityError: dbt's tests fail on what has landed.
        StateError: nothing has landed, or dbt can't start.
    """
    link_tree(settings.paths.landing, scratch.paths.landing)
    if settings.paths.pushed.is_dir():
        link_tree(settings.paths.pushed, scratch.paths.pushed)
    for half in HALVES:
        say(f"dbt builds and tests the {half} half anew")
        run_dbt(half, scratch)
        published = publishing.publish(half, scratch)
        say(f"{half}: {len(published.tables)} tables, {sum(table.rows for table in published.tables.values()):,} rows published")
    feature_store.apply(scratch)
    return sealed_frame(scratch, version.model, iso(version.as_of), say).sealed


def compared(settings: Settings, version: Version, sealed: SealedSet | None, found: SealedSet) -> Rebuilt:
    """The rebuilt set beside the sealed one, or beside the version's row where the sealed one is gone."""
    notes = _notes(settings, version)
    if found.digest == version.training_set_digest:
        return Rebuilt(outcome="same", expected=found.digest, found=found.digest, row_count=found.rows, notes=notes)
    rows: tuple[str, ...] = ()
    if sealed is not None:
        facts = _facts(sealed.facts, found.facts)
        rows = first_differences(sealed.table(), found.table())
        outcome: Outcome = "other" if rows else "equal"
    else:
        known = {
            "entity_digest": version.entity_rows_digest,
            "spec_digests": version.view_specs,
            "feature_service": version.feature_service,
        }
        facts = _facts(known, {name: found.facts[name] for name in known})
        outcome = "other"
    return Rebuilt(
        outcome=outcome,
        expected=version.training_set_digest,
        found=found.digest,
        row_count=found.rows,
        facts=facts,
        rows=rows,
        notes=notes,
    )


def _facts(sealed: Mapping[str, object], found: Mapping[str, object], at: str = "") -> tuple[str, ...]:
    said: list[str] = []
    for name in sorted({*sealed, *found}):
        ours, theirs = sealed.get(name), found.get(name)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            said += _facts(ours, theirs, f"{name} ")
        elif ours != theirs:
            said.append(f"{at}{name}: {_short(ours)} sealed, {_short(theirs)} rebuilt")
    return tuple(said)


def _short(value: object) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 32 else text[:16] + "…"


def _notes(settings: Settings, version: Version) -> tuple[str, ...]:
    """What is in the rows, or may be, and is not made from the landing."""
    notes = []
    logs: list[Path] = sorted(path for path in settings.paths.pushed.glob("*") if path.is_dir()) if settings.paths.pushed.is_dir() else []
    for log in logs:
        files = pushed_files(log)
        later = sum(path.stat().st_mtime > version.created_at.timestamp() for path in files)
        if files:
            since = f", {later} of them written after the version was registered" if later else ""
            notes.append(f"rows pushed to {log.name} are not in the landing; they were taken from its log ({len(files)} files{since})")
    return tuple(notes)
