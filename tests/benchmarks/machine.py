"""What the numbers were measured on: one sentence for the document, read from the machine."""

import importlib.metadata
import os
import platform
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from tradewind_contracts.instants import Clock


def measured_on(packages: Iterable[str]) -> str:
    """Date, processor, cores, memory, load before, and the versions of ``packages``."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    load = os.getloadavg()[0]
    return (
        f"Measured on {Clock().now():%Y-%m-%d}: {_processor()}, {len(os.sched_getaffinity(0))} cores, {_memory_gib():.0f} GiB of memory,"
        f" {platform.system()} {platform.release().split('-')[0]}, load {load:.1f} at the end; Python {platform.python_version()}, {versions},"
        f" SQLite {sqlite3.sqlite_version}."
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE)
    return re.sub(r"\s+", " ", found[1]) if found else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
