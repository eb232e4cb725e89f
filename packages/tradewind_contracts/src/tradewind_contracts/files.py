"""Atomic writes: a file or folder is there whole, or not at all."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tradewind_contracts.errors import StateError


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``; when the block ends well it is synced and renamed to ``path``.

    Raises:
        StateError: the file system refuses (full, read-only); ``path`` is as before.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise StateError(_refused(path, error)) from error
    partial = Path(name)
    try:
        yield partial
        _sync(partial)
        partial.chmod(0o644)
        partial.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StateError(_refused(path, error)) from error
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path, *, proven_by_readers: bool = False) -> Iterator[Path]:
    """A temporary folder beside ``path``; when the block ends well it takes the place of ``path``.

    An existing ``path`` is replaced; a crash between the two renames leaves it under ``.<name>.*.replaced``. ``proven_by_readers``: whoever
    reads the folder proves the digests of its files, and it can be made again. Then they are not synced one by one, which for thousands
    of small files takes longer than writing them; after a power failure a file may be torn, and is found to be.

    Raises:
        StateError: the file system refuses (full, read-only); ``path`` is as before.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    except OSError as error:
        raise StateError(_refused(path, error)) from error
    replaced = partial.with_suffix(".replaced")
    try:
        yield partial
        for file in () if proven_by_readers else (p for p in partial.rglob("*") if p.is_file()):
            _sync(file)
        partial.chmod(0o755)
        if path.exists():
            path.replace(replaced)
        partial.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StateError(_refused(path, error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


@contextlib.contextmanager
def sole_holder(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock file ``path`` for this process; the lock ends with the process, however that ends.

    Raises:
        StateError: another process holds it (the message is ``busy``), or the file system refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a")
    except OSError as error:
        raise StateError(_refused(path, error)) from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StateError(busy) from error
        yield


def write_text(path: Path, text: str) -> None:
    """Write ``text`` (UTF-8) to ``path`` atomically."""
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(path: Path, error: OSError) -> str:
    return f"{path}: can't be written ({error.strerror or error}); nothing was changed, make room or mend the rights and run again"
