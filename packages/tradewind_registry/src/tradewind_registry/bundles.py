"""The bundle store: folders named by the digest of what they hold, ``<sha256>/``, local or behind any fsspec URL."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tradewind_contracts.digests import digest_json, folder_listing
from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.files import atomic_folder
from tradewind_registry.contents import listing_of_open_formats
from tradewind_registry.journal.files import JOURNAL_FOLDER


class BundleStore(Protocol):
    """Keeps bundles by digest."""

    def put(self, folder: Path) -> tuple[str, dict[str, str]]:
        """Keep a copy of ``folder``; its digest and listing. Keeping the same twice is keeping it once."""
        ...

    def open(self, listing: dict[str, str]) -> Path:
        """A local folder with exactly the files of ``listing``, each digest verified."""
        ...

    def names(self) -> list[str]:
        """Every entry of the store: a whole bundle by its digest alone, what a crash left unfinished under a name that is no digest."""
        ...

    def discard(self, name: str) -> None:
        """Delete an entry that ``names`` listed."""
        ...


def bundle_store(url: str, cache: Path) -> BundleStore:
    """The store at ``url``: a ``file://`` URL or any other that fsspec knows; ``cache`` keeps copies of remote bundles."""
    if url.startswith("file:"):
        return LocalBundles(Path(url2pathname(urlsplit(url).path)))
    # Imported here: who keeps bundles in a folder needs no fsspec.
    from tradewind_registry.remote_bundles import RemoteBundles

    return RemoteBundles(url, LocalBundles(cache))


class LocalBundles:
    """Bundles in a local folder; each appears in one rename."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, folder: Path) -> tuple[str, dict[str, str]]:
        """Keep a copy of ``folder``.

        Raises:
            IntegrityError: the bundle holds what it may not.
            StateError: the disk refuses.
        """
        listing = listing_of_open_formats(folder)
        digest = digest_json(listing)
        self.place(listing, lambda target: _copied(folder, target))
        return digest, listing

    def place(self, listing: dict[str, str], fill: Callable[[Path], None]) -> Path:
        """The folder of ``listing``; where it is absent, or was damaged, ``fill(folder)`` writes it anew.

        Raises:
            IntegrityError: what was written is not what the listing says.
            StateError: the disk refuses.
        """
        digest = digest_json(listing)
        target = self._root / digest
        if differences(target, listing) is None:
            # Its row may come only now: who tidies up goes by age.
            with contextlib.suppress(PermissionError):  # a store that is read only is tidied by nobody
                os.utime(target)
            return target
        whole = self._root / f".{digest}.{uuid.uuid4().hex}.partial"
        with atomic_folder(whole) as partial:
            fill(partial)
            require(partial, listing)
        try:
            self._take_place(whole, target, listing)
        except OSError as error:
            raise StateError(f"{target}: can't be written ({error.strerror or error}); no version was registered") from error
        return target

    def _take_place(self, whole: Path, target: Path, listing: dict[str, str]) -> None:
        try:
            whole.rename(target)
        except OSError:
            if differences(target, listing) is None:
                # Another writer of the same bundle was first. Its folder stays: somebody may be reading it.
                shutil.rmtree(whole)
                return
            if not target.exists():
                raise
            damaged = whole.with_suffix(".damaged")
            target.rename(damaged)
            whole.rename(target)
            shutil.rmtree(damaged)
        descriptor = os.open(self._root, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # the folder's name must be on disk before the row that names it
        finally:
            os.close(descriptor)

    def open(self, listing: dict[str, str]) -> Path:
        """The folder of ``listing``, verified.

        Raises:
            IntegrityError: a file is absent, added or changed; the message names it with both digests.
        """
        target = self._root / digest_json(listing)
        require(target, listing)
        return target

    def names(self) -> list[str]:
        """Every entry below the root, but the registry's journal."""
        return sorted(path.name for path in self._root.iterdir() if path.name != JOURNAL_FOLDER) if self._root.is_dir() else []

    def discard(self, name: str) -> None:
        """Delete an entry that ``names`` listed; nothing where it is gone.

        Raises:
            StateError: the disk refuses.
        """
        path = self._root / check_entry(name)
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(f"{path}: can't be deleted ({error.strerror or error})") from error


def differences(folder: Path, listing: dict[str, str]) -> str | None:
    """The first file of ``folder`` that is not as ``listing`` says, in words; None when all are."""
    if not folder.is_dir():
        return f"{folder}: the bundle is absent; restore it, or roll back to a version whose bundle is there"
    found = folder_listing(folder)
    for name in sorted(listing.keys() | found.keys()):
        expected, actual = listing.get(name), found.get(name)
        if expected != actual:
            return f"{folder / name}: expected {_named(expected)}, found {_named(actual)}; the bundle is not what was sealed"
    return None


def require(folder: Path, listing: dict[str, str]) -> None:
    """Refuse a folder that is not what ``listing`` says.

    Raises:
        IntegrityError: it differs; names the file, the expected and the found digest.
    """
    difference = differences(folder, listing)
    if difference is not None:
        raise IntegrityError(difference)


def check_entry(name: str) -> str:
    """``name``, if it may be deleted as an entry of a store.

    Raises:
        StateError: it would leave the store, or is the journal.
    """
    if name.split("/")[0] in ("", JOURNAL_FOLDER) or ".." in name.split("/"):
        raise StateError(f"{name!r}: no entry of the bundle store that may be deleted")
    return name


def _named(digest: str | None) -> str:
    return f"sha256 {digest}" if digest else "no such file"


def _copied(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
