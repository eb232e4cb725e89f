"""Where a version comes from: the code that made it, the commit, the lock of third parties."""

import re
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World

LOCK = "requirements.lock"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)")
SIMULATED_SOURCES = ("simulator",)
"""Sources whose data somebody made up, with a planted truth: wins there prove the code, never the method."""


@dataclass(frozen=True)
class Commit:
    """The commit of the checkout; empty outside of one. ``is_clean``: nothing that git follows was changed."""

    name: str
    is_clean: bool


def data_kind(settings: Settings) -> str:
    """Whether the world's data is ``real`` or ``simulated``: by the source that filled it.

    Raises:
        StateError: no world has landed.
    """
    return "simulated" if World.read(settings.paths.world_file).source in SIMULATED_SOURCES else "real"


def code_digest(package: Path) -> str:
    """The digest of a package's Python sources: their relative names and bytes."""
    return digest_json({path.relative_to(package).as_posix(): digest_file(path) for path in sorted(package.rglob("*.py"))})


def lock_digest() -> str:
    """The digest of the checkout's lock file; outside of a checkout, of the names and versions that are installed."""
    lock = checkout_root() / LOCK
    if lock.exists():
        return digest_file(lock)
    return digest_json({item.name.lower(): item.version for item in metadata.distributions()})


def commit() -> Commit:
    """The commit that the code runs from."""
    name = _git("rev-parse", "HEAD")
    return Commit(name, bool(name) and not _git("status", "--porcelain", "--untracked-files=no"))


def has_commit(name: str) -> bool:
    """Whether the checkout's repository holds the commit ``name``, so that a tree of it can be made."""
    return bool(name) and _git("cat-file", "-t", name) == "commit"


def pinned_versions() -> dict[str, frozenset[str]]:
    """By lower-case name of a package, the versions that the checkout's lock allows (one for each Python it was compiled for).

    Empty outside of a checkout.
    """
    lock = checkout_root() / LOCK
    found: dict[str, set[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines() if lock.exists() else ():
        pin = _PIN.match(line)
        if pin is not None:
            found.setdefault(pin["name"].lower(), set()).add(pin["version"])
    return {name: frozenset(versions) for name, versions in found.items()}


def checkout_root() -> Path:
    """The root of the checkout that the code runs from: where its lock stands; outside of one, this file's folder."""
    here = Path(__file__).resolve()
    return next((parent for parent in here.parents if (parent / LOCK).exists()), here.parent)


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=checkout_root(), capture_output=True, text=True, check=True, timeout=30)  # noqa: S603, S607 - git, with our arguments
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
