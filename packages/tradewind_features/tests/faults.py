"""Faults to inject: a full disk, a folder that can't be written, a lock held by another process, a torn or replaced file."""

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_PASSES_PERMISSIONS = (1 << 1) | (1 << 2) | (1 << 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER of linux/capability.h
_LOCK = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def full_disk(limit: int = 1024) -> Iterator[None]:
    """No file of this process grows past ``limit`` bytes: writes beyond fail as they do where there is no room (Python ignores the signal)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing in ``folder`` can be made, removed or changed, not even by root."""
    modes = {path: path.stat().st_mode for path in [folder, *folder.iterdir()]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        with _permissions_hold():
            yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@contextlib.contextmanager
def _permissions_hold() -> Iterator[None]:
    """Root's leave to pass over permissions is laid down by this thread, and taken up again."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of linux/capability.h, this thread
    data = (ctypes.c_uint32 * 6)()
    if libc.capget(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    effective = data[0]
    data[0] = effective & ~_PASSES_PERMISSIONS
    if libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    try:
        yield
    finally:
        data[0] = effective
        if libc.capset(header, data) != 0:
            raise OSError(ctypes.get_errno(), "capset")


@contextlib.contextmanager
def locked_by_another_process(path: Path) -> Iterator[None]:
    """Another process is in the middle of a write to the SQLite file."""
    command = [sys.executable, "-S", "-I", "-c", _LOCK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline().strip() == "held"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait(timeout=30)


def truncate(path: Path, keep: float = 0.5) -> None:
    """Cut a file off after a part of its bytes."""
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * keep))


def replace(path: Path, table: pa.Table) -> None:
    """Put another Parquet file in the place of the one at ``path``, by rename as publishers do."""
    beside = path.with_name(path.name + ".partial")
    pq.write_table(table, beside)
    beside.replace(path)


def without_column(path: Path, column: str) -> None:
    """The file without one of its columns."""
    replace(path, pq.read_table(path).drop_columns([column]))


def with_type(path: Path, column: str, kind: pa.DataType) -> None:
    """The file with a column in another type."""
    table = pq.read_table(path)
    replace(path, table.set_column(table.column_names.index(column), column, table[column].cast(kind)))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` but locks, by relative name: to see that nothing was touched."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"
    }
