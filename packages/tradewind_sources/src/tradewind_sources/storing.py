"""The landing folder: files named by their content, one manifest that is swapped last, leftovers cleaned."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_contracts.digests import digest_file
from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.files import atomic_file, sole_holder
from tradewind_contracts.manifest import Manifest, PublishedTable
from tradewind_sources.source import Rows

STAGE = "landing"
PREVIOUS = "previous_files"
"""In the manifest's facts: files of the manifest before, kept for readers that still hold it."""

_ROW_GROUP = 131_072
_FORM: dict[str, Any] = {"compression": "zstd", "write_statistics": True}


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the landing ``folder`` for this process; the lock ends with the process, however that ends.

    Raises:
        StateError: another process holds it, or the file system refuses.
    """
    with sole_holder(folder / ".lock", f"{folder}: another landing is under way here; wait for it to end"):
        yield


def present(folder: Path) -> Manifest | None:
    """The manifest of ``folder`` if it is whole: each file that it names is there with the bytes that it names."""
    try:
        manifest = Manifest.read(folder)
    except (StateError, IntegrityError):
        return None
    whole = all((folder / t.path).is_file() and digest_file(folder / t.path) == t.digest for t in manifest.tables.values())
    return manifest if whole else None


def store(folder: Path, tables: Mapping[str, Rows], facts: Mapping[str, object]) -> Manifest:
    """Write ``tables`` to ``folder``, swap its manifest and let go of the files before the last; a crash at any point leaves the manifest as it was, or the new one.

    Raises:
        StateError: the file system refuses; the manifest is as before.
    """
    before = _named(folder)
    written = {name: _write(folder, name, rows) for name, rows in sorted(tables.items())}
    previous = sorted(before - {table.path for table in written.values()})
    manifest = Manifest(stage=STAGE, tables=written, facts={**facts, PREVIOUS: previous})
    manifest.write(folder)
    clean(folder)
    return manifest


def clean(folder: Path) -> None:
    """Remove what no reader can want: partial files of killed runs, and files that neither the manifest nor the one before names."""
    try:
        wanted = _named(folder) | set(_previous(folder))
        for path in folder.iterdir():
            if path.name.endswith(".partial") or (path.suffix == ".parquet" and path.name not in wanted):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise StateError(f"{folder}: can't be cleaned ({error.strerror or error}); mend the rights and run again") from error


def _write(folder: Path, name: str, rows: Rows) -> PublishedTable:
    # The name holds the digest, so the file is written under a name of its own first.
    unnamed = folder / f".{name}.parquet.partial"
    with atomic_file(unnamed) as partial:
        schema, count = _write_rows(partial, rows)
    digest = digest_file(unnamed)
    path = folder / f"{name}-{digest[:16]}.parquet"
    try:
        unnamed.replace(path)
    except OSError as error:
        raise StateError(f"{path}: can't be written ({error.strerror or error}); make room or mend the rights and run again") from error
    columns = {field.name: str(field.type) for field in schema}
    return PublishedTable(path=path.name, digest=digest, rows=count, columns=columns)


def _write_rows(path: Path, rows: Rows) -> tuple[pa.Schema, int]:
    if isinstance(rows, pa.Table):
        pq.write_table(rows, path, **_FORM, row_group_size=_ROW_GROUP)
        return rows.schema, rows.num_rows
    count = 0
    with rows() as reader, pq.ParquetWriter(path, reader.schema, **_FORM) as writer:
        for group in _groups(reader):
            writer.write_table(group, row_group_size=_ROW_GROUP)
            count += group.num_rows
        return reader.schema, count


def _groups(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Full row groups, each in one piece: the bytes of the file do not depend on how the stream was cut."""
    waiting, count = [], 0
    for batch in reader:
        waiting.append(batch)
        count += batch.num_rows
        while count >= _ROW_GROUP:
            whole = pa.Table.from_batches(waiting, reader.schema)
            yield whole.slice(0, _ROW_GROUP).combine_chunks()
            waiting, count = whole.slice(_ROW_GROUP).to_batches(), count - _ROW_GROUP
    if count:
        yield pa.Table.from_batches(waiting, reader.schema).combine_chunks()


def _named(folder: Path) -> set[str]:
    try:
        return {table.path for table in Manifest.read(folder).tables.values()}
    except (StateError, IntegrityError):
        return set()


def _previous(folder: Path) -> list[str]:
    try:
        listed = Manifest.read(folder).facts.get(PREVIOUS, [])
    except (StateError, IntegrityError):
        return []
    return [str(name) for name in listed] if isinstance(listed, list) else []
