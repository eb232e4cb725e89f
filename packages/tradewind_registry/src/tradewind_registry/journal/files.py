"""Where the journal's files stand: a folder of the bundle store, local or behind fsspec. Each file is whole or absent."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tradewind_contracts.errors import StateError
from tradewind_contracts.files import atomic_file

JOURNAL_FOLDER = "journal"
"""The entry of the bundle store that is no bundle."""

_UPLOADS = "uploads"
"""Where remote bundles are staged too: what a crash leaves there is found by whoever looks after unfinished uploads."""


class JournalFiles(Protocol):
    """Files by relative name; names are made of slugs and ``/``."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole. Writing the same twice is writing it once."""
        ...

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        ...

    def holds(self, name: str) -> bool:
        """Whether a file is there."""
        ...

    def names(self, folder: str) -> list[str]:
        """The entries of a folder in order; none where it is absent."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; nothing where it is absent."""
        ...


def journal_files(bundle_store_url: str) -> JournalFiles:
    """The journal's files of the bundle store at ``bundle_store_url``.

    Raises:
        StateError: fsspec knows no such store.
    """
    if bundle_store_url.startswith("file:"):
        return LocalFiles(Path(url2pathname(urlsplit(bundle_store_url).path)) / JOURNAL_FOLDER)
    return RemoteFiles(bundle_store_url)


class LocalFiles:
    """A local folder; each file appears in one rename, synced."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole.

        Raises:
            StateError: the disk refuses.
        """
        with atomic_file(self._root / name) as partial:
            partial.write_bytes(content)

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            StateError: it is absent, or can't be read.
        """
        try:
            return (self._root / name).read_bytes()
        except OSError as error:
            raise StateError(f"{self._root / name}: can't be read ({error.strerror or error})") from error

    def holds(self, name: str) -> bool:
        """Whether a file is there."""
        return (self._root / name).is_file()

    def names(self, folder: str) -> list[str]:
        """The entries of a folder in order, without what a crash left under a temporary name.

        Raises:
            StateError: the folder can't be read.
        """
        try:
            return sorted(path.name for path in (self._root / folder).iterdir() if not path.name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StateError(f"{self._root / folder}: can't be read ({error.strerror or error})") from error

    def delete(self, name: str) -> None:
        """Remove a file.

        Raises:
            StateError: the disk refuses.
        """
        try:
            (self._root / name).unlink(missing_ok=True)
        except OSError as error:
            raise StateError(f"{self._root / name}: can't be deleted ({error.strerror or error})") from error


class RemoteFiles:
    """Files behind fsspec; uploaded beside, then moved: a store that shows a file while it grows never shows one of ours so."""

    def __init__(self, bundle_store_url: str) -> None:
        import fsspec

        self._url = bundle_store_url
        try:
            self._files, root = fsspec.core.url_to_fs(bundle_store_url)
        except (ImportError, ValueError) as error:
            raise StateError(f"bundle store {bundle_store_url}: {error}") from error
        self._store = str(root).rstrip("/")

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole.

        Raises:
            StateError: the store refuses.
        """
        staging, target = f"{self._store}/{_UPLOADS}/{uuid.uuid4().hex}", self._path(name)
        with self._refusals(f"can't keep {name}"):
            for path in (staging, target):
                self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            self._files.pipe_file(staging, content)
            self._files.mv(staging, target)

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            StateError: it is absent, or the store is out of reach.
        """
        with self._refusals(f"can't read {name}"):
            return bytes(self._files.cat_file(self._path(name)))

    def holds(self, name: str) -> bool:
        """Whether a file is there.

        Raises:
            StateError: the store is out of reach.
        """
        with self._refusals(f"can't look for {name}"):
            self._files.invalidate_cache()
            return bool(self._files.exists(self._path(name)))

    def names(self, folder: str) -> list[str]:
        """The entries of a folder in order.

        Raises:
            StateError: the store is out of reach.
        """
        with self._refusals(f"can't list {folder}"):
            self._files.invalidate_cache()
            try:
                return sorted(str(path).rstrip("/").rsplit("/", 1)[-1] for path in self._files.ls(self._path(folder), detail=False))
            except FileNotFoundError:
                return []

    def delete(self, name: str) -> None:
        """Remove a file.

        Raises:
            StateError: the store refuses.
        """
        with self._refusals(f"can't delete {name}"), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._store}/{JOURNAL_FOLDER}/{name}".rstrip("/")

    @contextlib.contextmanager
    def _refusals(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each store has exceptions of its own, not all of them OSError
            raise StateError(f"journal of {self._url}: {what} ({error or type(error).__name__})") from error
