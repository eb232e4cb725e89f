"""What must be so before a reproduction proves anything: the same code, the same packages, the same rows."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.provenance import checkout_root, commit, has_commit, lock_digest, pinned_versions
from tradewind_lifecycle.reproducing.records import Check
from tradewind_lifecycle.training_sets import SealedSet, read_sealed
from tradewind_registry import Version

FITTED_WITH = ("lightgbm", "numpy", "scipy", "pyarrow", "pydantic")
"""Packages that a bundle's bytes are a function of."""
BUILT_WITH = ("duckdb", "dbt-core", "dbt-duckdb", "feast", "pandas")
"""Packages that a training set's rows are a function of, beside those."""


@dataclass(frozen=True)
class Checkout:
    """The code that runs: its folder, commit, whether its tree is clean, its lock, and what is pinned and installed (version by name)."""

    root: Path
    commit: str
    is_clean: bool
    lock: str
    pinned: Mapping[str, frozenset[str]]
    installed: Mapping[str, str]

    @classmethod
    def present(cls) -> "Checkout":
        """The checkout that this process runs from."""
        now = commit()
        installed = {name: version for name in (*FITTED_WITH, *BUILT_WITH) if (version := _installed(name))}
        return cls(checkout_root(), now.name, now.is_clean, lock_digest(), pinned_versions(), installed)


def checks_of(settings: Settings, version: Version, checkout: Checkout, *, from_landing: bool) -> list[Check]:
    """Every condition of a faithful reproduction of ``version`` here; the landing counts only where the rows are built from it.

    Raises:
        IntegrityError: the sealed set is not what was sealed.
    """
    checks = [
        _commit(settings, version, checkout, from_landing),
        _tree_of_version(version),
        _tree(checkout),
        _lock(version, checkout),
        _packages(checkout, (*FITTED_WITH, *BUILT_WITH) if from_landing else FITTED_WITH),
        _sealed(settings, version, from_landing),
    ]
    return [*checks, _landing(settings, version)] if from_landing else checks


def refuse_failed(reference: str, checks: Sequence[Check]) -> None:
    """Refuse to go on where a condition does not hold.

    Raises:
        StateError: names each, with what was found and what to do.
    """
    failed = [check for check in checks if not check.holds]
    if failed:
        raise StateError(
            f"{reference} can't be reproduced here as it was made:\n{shown(failed)}\n`--anyway` goes on all the same, and lists what differs"
        )


def shown(checks: Iterable[Check]) -> str:
    """A few lines for each check: what it is of, what was found, what to do."""
    return "\n".join(f"- {check.name}: {check.said}" + (f"\n{_indented(check.todo)}" if check.todo else "") for check in checks)


def sealed_of(settings: Settings, version: Version) -> SealedSet | None:
    """The version's sealed set, proven; None where it is not in the home.

    Raises:
        IntegrityError: it is not what was sealed.
    """
    try:
        return read_sealed(version.training_set_digest, settings)
    except NotFoundError:
        return None


def landing_of(settings: Settings, version: Version) -> str:
    """The digest of the landing that the version's rows were built from, as its row or its sealed set says; empty where neither does."""
    said = str(version.facts.get("landing_digest") or "")
    sealed = None if said else sealed_of(settings, version)
    return said if sealed is None else str(sealed.facts.get("landing_digest") or "")


def _commit(settings: Settings, version: Version, checkout: Checkout, from_landing: bool) -> Check:
    name = "commit"
    if not version.commit:
        todo = "nothing names its code: a fit of this checkout can only be compared"
        return Check(name=name, holds=False, said="it was made outside of a repository", todo=todo)
    if version.commit == checkout.commit:
        return Check(name=name, holds=True, said=version.commit)
    here = checkout.commit or "no repository"
    said = f"it was made at {version.commit}, this checkout is at {here}"
    return Check(name=name, holds=False, said=said, todo="\n".join(_commands(settings, version, checkout, from_landing)))


def _commands(settings: Settings, version: Version, checkout: Checkout, from_landing: bool) -> list[str]:
    """What a person types to reproduce the version where it was made: a clean tree of its commit, its packages, this home."""
    folder = checkout.root.parent / f"tradewind-{version.model}-{version.number}"
    wanted = {"TRADEWIND_HOME": str(settings.paths.home)}
    if from_landing:
        wanted["TRADEWIND_FEATURE_RETENTION_DAYS"] = str(settings.feature_retention_days)
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in wanted.items())
    option = " --from-landing" if from_landing else ""
    lines = ["in a clean checkout of that commit:"]
    if not has_commit(version.commit):
        lines.append("  git fetch --all    # the commit is not in this repository yet")
    lines += [
        f"  git worktree add {shlex.quote(str(folder))} {version.commit}",
        f"  cd {shlex.quote(str(folder))}",
        "  make setup",
        f"  {variables} .venv/bin/tradewind models reproduce {version.reference} --world {shlex.quote(version.world)}{option}",
    ]
    if settings.registry_url or settings.bundle_url:
        lines.append("  (with TRADEWIND_REGISTRY_URL and TRADEWIND_BUNDLE_URL set as they are here)")
    return lines


def _tree_of_version(version: Version) -> Check:
    if version.tree_clean:
        return Check(name="tree of the version", holds=True, said="clean")
    todo = "what was changed is in no commit: commit first, then train, and the next version can be reproduced"
    return Check(name="tree of the version", holds=False, said="it was made from a tree with changes", todo=todo)


def _tree(checkout: Checkout) -> Check:
    if checkout.is_clean:
        return Check(name="tree of this checkout", holds=True, said="clean")
    todo = f"`git -C {shlex.quote(str(checkout.root))} status` names the changes: commit or put them aside"
    return Check(name="tree of this checkout", holds=False, said="it has changes that are in no commit", todo=todo)


def _lock(version: Version, checkout: Checkout) -> Check:
    if version.lock_digest == checkout.lock:
        return Check(name="lock of packages", holds=True, said=checkout.lock)
    said = f"its lock has the digest {version.lock_digest[:16]}…, this checkout's has {checkout.lock[:16]}…"
    return Check(name="lock of packages", holds=False, said=said, todo="check out its commit, then `make setup`")


def _packages(checkout: Checkout, names: Sequence[str]) -> Check:
    wrong = [
        f"{name} {checkout.installed.get(name, 'absent')} (pinned: {' or '.join(sorted(checkout.pinned[name]))})"
        for name in names
        if name in checkout.pinned and checkout.installed.get(name, "") not in checkout.pinned[name]
    ]
    if not wrong:
        said = ", ".join(f"{name} {checkout.installed[name]}" for name in names if name in checkout.installed)
        return Check(name="installed packages", holds=True, said=said)
    return Check(name="installed packages", holds=False, said="; ".join(wrong), todo="`make setup` installs what the lock pins")


def _sealed(settings: Settings, version: Version, from_landing: bool) -> Check:
    name, folder = "sealed set", settings.paths.training_sets / version.training_set_digest
    if sealed_of(settings, version) is not None:
        return Check(name=name, holds=True, said=version.training_set_digest)
    if from_landing:
        return Check(name=name, holds=True, said=f"not at {folder}: only digests can be compared")
    todo = "put it back from where the home is kept safe, or build it anew with --from-landing"
    return Check(name=name, holds=False, said=f"not at {folder}", todo=todo)


def _landing(settings: Settings, version: Version) -> Check:
    name = "landing"
    try:
        World.read(settings.paths.world_file)
        manifest = Manifest.read(settings.paths.landing)
    except (StateError, IntegrityError) as error:
        return Check(name=name, holds=False, said=str(error), todo=f"land {version.world} again")
    expected, found = landing_of(settings, version), manifest.digest
    if not expected:
        return Check(
            name=name, holds=True, said="it was made before landings were sealed: whether this is what had landed then is not known"
        )
    if expected == found:
        return Check(name=name, holds=True, said=found)
    said = f"it was made of the landing {expected[:16]}…, what is landed now is {found[:16]}…"
    todo = (
        "more has landed since, or another archive: land what had landed then in a home of its own; with `--anyway` the rows are compared"
    )
    return Check(name=name, holds=False, said=said, todo=todo)


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
