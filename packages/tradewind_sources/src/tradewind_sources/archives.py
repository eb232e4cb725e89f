"""Archives as somebody hands them over: a zip or a folder of files. Nothing is ever unpacked to disk."""

import abc
import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.errors import SourceError

MAX_EXPANDED_BYTES = 8 * 2**30
"""What a zip may claim to hold. Chosen: 70 times the Olist archive, far below what fills a disk or a memory."""

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


class Archive(abc.ABC):
    """A set of named files, each of which can be read as a stream. ``label`` names it in messages."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.label = path.name or str(path)

    @property
    @abc.abstractmethod
    def names(self) -> tuple[str, ...]:
        """The files in it, by their base names, sorted."""

    @abc.abstractmethod
    def digest(self, names: tuple[str, ...]) -> str:
        """The digest of the archive, as far as the files ``names`` are concerned."""

    @abc.abstractmethod
    def _stream(self, name: str) -> IO[bytes]:
        """The bytes of the file ``name``, which is in it."""

    def close(self) -> None:  # noqa: B027 (a folder holds nothing open)
        """Let go of what the archive holds open."""

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The file ``name`` as a stream.

        Raises:
            SourceError: the file is absent, or the archive turns out broken while it is read.
        """
        self.require((name,))
        try:
            with self._stream(name) as stream:
                yield stream
        except _BROKEN as error:
            raise SourceError(
                f"{self.label}: {name} can't be read to its end ({error}); the download is damaged or cut short, download it again"
            ) from error

    def require(self, names: tuple[str, ...]) -> None:
        """Check that all of ``names`` are there.

        Raises:
            SourceError: one is not.
        """
        missing = [name for name in names if name not in self.names]
        if missing:
            found = ", ".join(self.names[:12]) or "nothing"
            raise SourceError(f"{self.label}: no {' and no '.join(missing)} in it (found: {found}); pass the archive as downloaded")


class FolderArchive(Archive):
    """The files that lie directly in a folder."""

    @property
    def names(self) -> tuple[str, ...]:
        """The files in it, by their base names, sorted."""
        return tuple(sorted(p.name for p in self.path.iterdir() if p.is_file()))

    def digest(self, names: tuple[str, ...]) -> str:
        """The digest of the files ``names``."""
        return digest_json({name: digest_file(self.path / name) for name in names if name in self.names})

    def _stream(self, name: str) -> IO[bytes]:
        return (self.path / name).open("rb")


class ZipArchive(Archive):
    """The files of a zip, whatever folder inside it they lie in.

    Raises:
        SourceError: it is no zip, is cut short, names a path outside itself, holds one name twice or claims too many bytes.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise SourceError(
                f"{self.label}: not a readable zip ({error}); expected the archive as downloaded, it may be cut short: download it again"
            ) from error
        self._members = self._checked(self._zip.infolist())

    @property
    def names(self) -> tuple[str, ...]:
        """The files in it, by their base names, sorted."""
        return tuple(sorted(self._members))

    def digest(self, names: tuple[str, ...]) -> str:  # noqa: ARG002 (a zip is one file: reading it whole is the quickest)
        """The digest of the zip's bytes."""
        return digest_file(self.path)

    def _stream(self, name: str) -> IO[bytes]:
        return self._zip.open(self._members[name])

    def close(self) -> None:
        """Let go of the zip."""
        self._zip.close()

    def _checked(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            inside = PurePosixPath(info.filename.replace("\\", "/"))
            if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
                raise SourceError(
                    f"{self.label}: holds the path {info.filename!r}, which lies outside of it; "
                    "that is no archive as downloaded, get it from where it is published"
                )
            if info.is_dir() or inside.name.startswith(".") or inside.parts[0] == "__MACOSX":
                continue
            if inside.name in members:
                raise SourceError(f"{self.label}: holds {inside.name} twice; expected each file once, pass the archive as downloaded")
            members[inside.name] = info
        expanded = sum(info.file_size for info in members.values())
        if expanded > MAX_EXPANDED_BYTES:
            raise SourceError(
                f"{self.label}: claims to hold {expanded:,} bytes (at most {MAX_EXPANDED_BYTES:,} are read); pass the archive as downloaded"
            )
        return members


def open_archive(path: Path) -> Archive:
    """The archive at ``path``: a folder or a zip.

    Raises:
        SourceError: there is nothing, or it is neither.
    """
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder; expected the archive as downloaded, a zip or a folder")
    return FolderArchive(path) if path.is_dir() else ZipArchive(path)
