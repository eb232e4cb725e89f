"""The bundle store: folders named by the digest of what they hold, ``<sha256>/``, local or behind any fsspec URL."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tradewind_contracts.digests import digest_json, folder_listing
from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.files import atomic_folder
from tradewind_registry.contents import check_relative, listing_of_open_formats

_UPLOADS = "uploads"


class BundleStore(Protocol):
    """Keeps bundles by digest."""

    def put(self, folder: Path) -> tuple[str, dict[str, str]]:
        """Keep a copy of ``folder``; its digest and listing. Keeping the same twice is keeping it once."""
        ...

    def open(self, listing: dict[str, str]) -> Path:
        """A local folder with exactly the files of ``listing``, each digest verified."""
        ...

    def names(self) -> list[str]:
        """Every entry of the store, also what a crash left under a temporary name."""
        ...


def bundle_store(url: str, cache: Path) -> BundleStore:
    """The store at ``url``: a ``file://`` URL or any other that fsspec knows; ``cache`` keeps copies of remote bundles."""
    if url.startswith("file:"):
        return LocalBundles(Path(url2pathname(urlsplit(url).path)))
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
        """Every entry below the root."""
        return sorted(path.name for path in self._root.iterdir()) if self._root.is_dir() else []


class RemoteBundles:
    """Bundles behind fsspec; uploaded under ``uploads/<id>/``, then moved. Read through a verified local copy.

    An object store moves file by file: a crash in between leaves an incomplete bundle without a row, which is garbage,
    and which the next upload of the same content overwrites.
    """

    def __init__(self, url: str, cache: LocalBundles) -> None:
        import fsspec

        self._url = url
        try:
            self._files, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise StateError(f"bundle store {url}: {error}") from error
        self._root = str(root).rstrip("/")
        self._cache = cache

    def put(self, folder: Path) -> tuple[str, dict[str, str]]:
        """Keep a copy of ``folder``.

        Raises:
            IntegrityError: the bundle holds what it may not.
            StateError: the store refuses.
        """
        listing = listing_of_open_formats(folder)
        digest = digest_json(listing)
        staging = f"{self._root}/{_UPLOADS}/{uuid.uuid4().hex}"
        try:
            for name in listing:
                self._upload(folder / name, f"{staging}/{name}")
            for name in listing:
                self._move(f"{staging}/{name}", f"{self._root}/{digest}/{name}")
            if self._files.exists(staging):
                self._files.rm(staging, recursive=True)
        except OSError as error:
            raise StateError(f"bundle store {self._url}: can't keep {digest} ({error}); no version was registered") from error
        return digest, listing

    def open(self, listing: dict[str, str]) -> Path:
        """A local copy, verified; fetched where there is none, or a damaged one.

        Raises:
            IntegrityError: the store's own copy is not what was sealed.
            StateError: the store is out of reach.
        """
        return self._cache.place(listing, lambda target: self._fetch(listing, target))

    def names(self) -> list[str]:
        """Every entry below the root; unfinished uploads as ``uploads/<id>``."""
        return sorted(
            [*self._children(self._root, skip=_UPLOADS), *(f"{_UPLOADS}/{n}" for n in self._children(f"{self._root}/{_UPLOADS}"))]
        )

    def _children(self, folder: str, skip: str = "") -> Iterator[str]:
        self._files.invalidate_cache()
        if self._files.exists(folder):
            for entry in self._files.ls(folder, detail=False):
                name = str(entry).rstrip("/").rsplit("/", 1)[-1]
                if name != skip:
                    yield name

    def _upload(self, source: Path, target: str) -> None:
        self._files.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        self._files.put_file(str(source), target)

    def _move(self, source: str, target: str) -> None:
        self._files.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        self._files.mv(source, target)

    def _fetch(self, listing: dict[str, str], target: Path) -> None:
        digest = digest_json(listing)
        for name in listing:
            check_relative(name)
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                self._files.get_file(f"{self._root}/{digest}/{name}", str(target / name))
            except FileNotFoundError as error:
                raise IntegrityError(f"{self._url}/{digest}/{name}: absent; expected sha256 {listing[name]}") from error


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


def _named(digest: str | None) -> str:
    return f"sha256 {digest}" if digest else "no such file"


def _copied(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
