"""Segments: rows appended by one process to one file, which a kill leaves readable up to the last whole batch.

An open segment is an Arrow IPC stream (``.arrows``), locked by the process that writes it for as long as that lives. Once nobody writes to
it, it is sealed: rewritten as Parquet under the same name, and the stream is removed. Both forms hold the same rows; where a crash
between the two steps leaves both, the Parquet file counts.
"""

import contextlib
import fcntl
import io
import itertools
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_contracts.errors import StateError
from tradewind_contracts.files import atomic_file
from tradewind_contracts.instants import Clock

OPEN, SEALED, _OPENING = ".arrows", ".parquet", ".opening"

ROW_GROUP = 4096
"""Rows of a sealed segment that are held in memory at once. Chosen: about 4 MB of a hundred numbers each."""

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class _Pieces(io.RawIOBase):
    """What Arrow writes, kept until it is taken: one append to the file for each batch."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class SegmentWriter:
    """Appends batches to one new segment in ``folder``. For one thread.

    Raises:
        OSError: the file system refuses; there is no segment.
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{Clock().now():%Y%m%dT%H%M%S}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.path = folder / f"{name}{OPEN}"
        self.rows = 0
        opening = folder / f".{name}{_OPENING}"
        self._file = os.open(opening, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
        self._pieces = _Pieces()
        self._length = 0
        try:
            # Locked before it has its name: nobody ever finds it as one that is written by nobody.
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._stream = pa.ipc.new_stream(pa.PythonFile(self._pieces, mode="w"), schema, options=_OPTIONS)
            self._append(self._pieces.take())
            opening.rename(self.path)
        except OSError:
            os.close(self._file)
            opening.unlink(missing_ok=True)
            raise

    def append(self, batch: pa.RecordBatch) -> None:
        """Write one batch; when this returns, a kill of the process does not lose it.

        Raises:
            OSError: the file system refuses; the segment is as it was before, and can be appended to.
        """
        self._stream.write_batch(batch)
        self._append(self._pieces.take())
        self.rows += batch.num_rows

    def close(self) -> Path:
        """Give the segment out of hand; it can be sealed now."""
        os.close(self._file)
        return self.path

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            # A full disk takes a part of it: nothing behind a torn batch could be read.
            os.ftruncate(self._file, self._length)
            raise
        self._length += len(data)


def list_segments(folder: Path) -> list[Path]:
    """The segments in ``folder``, sealed and open, oldest first; none where there is no folder."""
    found = sorted(path for path in folder.glob("*") if path.suffix in (OPEN, SEALED) and not path.name.startswith("."))
    sealed = {path.stem for path in found if path.suffix == SEALED}
    return [path for path in found if path.suffix == SEALED or path.stem not in sealed]


def whole_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The whole batches of an open segment, also while it is written; what follows them, as after a kill, is left out.

    Raises:
        FileNotFoundError: it is gone: somebody sealed it.
    """
    with pa.OSFile(str(path), "rb") as file:
        if file.size() == 0:
            return
        try:
            with pa.ipc.open_stream(file) as stream:
                while True:
                    yield stream.read_next_batch()
        except (StopIteration, pa.ArrowInvalid, OSError):
            return


def is_written(path: Path) -> bool:
    """Whether a living process writes to the open segment ``path``."""
    try:
        with _sole(path) as held:
            return not held
    except FileNotFoundError:
        return False


def seal(path: Path) -> Path | None:
    """Seal the open segment ``path``: the Parquet file; ``None`` where a process still writes to it, or it holds no row.

    Raises:
        StateError: the file system refuses; the segment is as it was.
    """
    with contextlib.suppress(FileNotFoundError), _sole(path) as held:
        if not held:
            return None
        sealed = path.with_suffix(SEALED)
        groups = _groups(whole_batches(path))
        first = next(groups, None)
        if first is not None and not sealed.exists():
            with atomic_file(sealed) as partial, pq.ParquetWriter(partial, first.schema, compression="zstd") as writer:
                for group in itertools.chain([first], groups):
                    writer.write_table(group)
        path.unlink()
        return sealed if first is not None else None
    return path.with_suffix(SEALED) if path.with_suffix(SEALED).exists() else None


def seal_left_ones(folder: Path, say: Callable[[str], None]) -> list[Path]:
    """Seal what dead processes left in ``folder``; one that can't be sealed now is said and left for the next call."""
    sealed = []
    for path in [path for path in list_segments(folder) if path.suffix == OPEN]:
        try:
            done = seal(path)
        except StateError as error:
            say(f"{path.name}: not sealed yet ({error})")
            continue
        if done is not None:
            sealed.append(done)
    return sealed


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROW_GROUP:
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


@contextlib.contextmanager
def _sole(path: Path) -> Iterator[bool]:
    """Whether nobody else holds the segment; it is held for the block if so.

    Raises:
        FileNotFoundError: there is no such segment (any more).
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        if not path.exists():
            raise FileNotFoundError(path)
        yield True
    finally:
        os.close(descriptor)
