"""Time and peak memory of one call, in a process of its own, so that no contender has what another left behind.

A child is `python -m tests.benchmarks.contenders.<module> …`; it calls :func:`measured` once, and :func:`told` prints what it found as
one line of JSON. The parent calls :func:`in_fresh_process`. Linux only: memory is read from /proc.
"""

import contextlib
import gc
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
_MARK = "measured: "
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
T = TypeVar("T")


@dataclass(frozen=True)
class Measurement:
    """``seconds`` by the wall, ``cpu_seconds`` of all threads, ``peak_bytes`` of resident memory above ``base_bytes``."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    base_bytes: int


def resident_bytes() -> int:
    """Resident memory of this process now."""
    return _status("VmRSS")


def measured(work: Callable[[], T], base_bytes: int | None = None) -> tuple[T, Measurement]:
    """What ``work`` gives, and what it took; the peak counts from ``base_bytes``, or from what is resident now."""
    gc.collect()
    base = resident_bytes() if base_bytes is None else base_bytes
    _CLEAR.write_text("5")  # the kernel's mark of the peak starts anew
    cpu, began = time.process_time(), time.perf_counter()
    answer = work()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    return answer, Measurement(seconds, cpu_seconds, max(_status("VmHWM") - base, 0), base)


@contextlib.contextmanager
def watching(folder: Path) -> Iterator[Callable[[], int]]:
    """How many bytes lay in a folder at most while the block ran, looked at ten times a second."""
    most, done = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(0.1):
            most = max(most, sum(_size(path) for path in folder.rglob("*")))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield lambda: most
    finally:
        done.set()
        watcher.join()


def told(**found: Any) -> None:
    """Print what the parent wants to know where the parent finds it; a :class:`Measurement` as its fields."""
    print(
        _MARK + json.dumps({name: asdict(value) if isinstance(value, Measurement) else value for name, value in found.items()}), flush=True
    )


def command(module: str, *arguments: str) -> list[str]:
    """How a module of ``tests.benchmarks`` is started as a process, from :data:`ROOT`."""
    return [sys.executable, "-W", "ignore", "-m", f"tests.benchmarks.{module}", *arguments]


def in_fresh_process(module: str, *arguments: str) -> Mapping[str, Any]:
    """Run a module of ``tests.benchmarks`` in a new process; what it told, with ``measurement`` as a :class:`Measurement`.

    Raises:
        RuntimeError: it failed or told nothing; with the end of what it wrote.
    """
    ran = subprocess.run(command(module, *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [line.removeprefix(_MARK) for line in ran.stdout.splitlines() if line.startswith(_MARK)]
    if ran.returncode or not lines:
        raise RuntimeError(f"{module}: ended with {ran.returncode}\n{ran.stdout[-2_000:]}\n{ran.stderr[-4_000:]}")
    found = json.loads(lines[-1])
    if "measurement" in found:
        found["measurement"] = Measurement(**found["measurement"])
    return dict(found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it was deleted since it was listed
        return 0


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), flags=re.MULTILINE)
    assert found, f"{_STATUS}: no {name}"
    return int(found[1]) * 1024
