"""What crashes left in the home, a run that does not end, and the room on the disk."""

import contextlib
import datetime as dt
import fcntl
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tradewind_contracts.errors import StateError
from tradewind_lifecycle.doctor.examination import OLD, Examination
from tradewind_lifecycle.doctor.findings import Finding, Severity
from tradewind_registry.tidying import newest_change

LONGEST_RUN = dt.timedelta(hours=6)
"""A run that holds its world for longer is asked about; chosen: a run of a year of data takes minutes."""

LEAST_FREE_BYTES = 2 * 1024**3
"""Chosen: a run of the public data writes about 1 GB beside what is there before it deletes the old."""

_PARTIAL, _REPLACED, _DAMAGED = ".partial", ".replaced", ".damaged"
_NOT_OURS = frozenset({"dagster", "bentos"})
"""Folders of the home whose files Dagster and BentoML write."""


def check_leftovers(exam: Examination) -> Iterator[Finding]:
    """Temporary names of atomic writes that are older than an hour: a crash left them."""
    limit = exam.now - OLD
    found = [path for path in _temporary(exam.settings.paths.home, exam.settings.paths.world) if _is_older(path, limit)]
    lost = [path for path in found if path.name.endswith(_REPLACED) and not _of(path).exists()]
    for path in lost:
        yield Finding(
            "leftovers",
            Severity.CRITICAL,
            f"{_of(path).name} is absent: a crash came between the two renames of its replacement, and what it was stands aside",
            str(path),
            "who reads it finds nothing",
            exam.mend_command,
            partial(_rename_back, path),
        )
    rest = sorted(set(found) - set(lost))
    if rest:
        yield Finding(
            "leftovers",
            Severity.WARNING,
            f"{len(rest)} unfinished writes older than an hour: {', '.join(path.name for path in rest[:4])}{' …' if len(rest) > 4 else ''}",
            str(rest[0].parent),
            "a crash left them: they take room, and harm nothing",
            exam.mend_command,
            partial(_delete, rest, limit),
        )
    exam.looked.append("leftovers of crashes")


def check_run(exam: Examination) -> Iterator[Finding]:
    """Whether a run holds the world for longer than any takes. The lock itself ends with its process, so it is never stale."""
    path = exam.settings.paths.world / ".run.lock"
    holder = _holder(path)
    if holder is None:
        return
    pid, since = holder
    if since is not None and exam.now - since > LONGEST_RUN:
        yield Finding(
            "run",
            Severity.WARNING,
            f"process {pid} has held the world since {since.isoformat(timespec='minutes')}",
            str(path),
            "no other run begins while it does; it may hang",
            f"look at it (`ps -fp {pid}`) and end it if it hangs (`kill {pid}`): the lock ends with it, and nothing is half written",
        )
    exam.looked.append(f"a run under way (process {pid or 'of another user'})")


def check_disk(exam: Examination) -> Iterator[Finding]:
    """Room on the home's disk."""
    home = exam.settings.paths.home
    if not home.exists():
        return
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE_BYTES:
        yield Finding(
            "disk",
            Severity.WARNING,
            f"{free / 1024**3:.1f} GB are free, expected {LEAST_FREE_BYTES / 1024**3:.0f}",
            str(home),
            "registrations and runs will be refused (nothing is half written), and the prediction log drops answers",
            "make room: `du -sh` of what stands beside; in the home, candidates/ and simulated/ can be made again",
        )
    exam.looked.append(f"the disk ({free / 1024**3:.0f} GB free)")


def _temporary(home: Path, world: Path) -> Iterator[Path]:
    places = [path for path in (home.iterdir() if home.is_dir() else ()) if path.is_dir() and path.name not in {*_NOT_OURS, "worlds"}]
    for place in (*places, world):
        for folder, folders, files in os.walk(place):
            ours = [name for name in (*folders, *files) if name.startswith(".") and name.endswith((_PARTIAL, _REPLACED, _DAMAGED))]
            yield from (Path(folder) / name for name in ours)
            folders[:] = [name for name in folders if name not in ours]


def _is_older(path: Path, limit: dt.datetime) -> bool:
    written = newest_change(path)
    return written is not None and written < limit


def _of(replaced: Path) -> Path:
    """What a replaced folder was called: ``.<name>.<random>.replaced``."""
    return replaced.with_name(replaced.name[1:].rsplit(".", 2)[0])


def _rename_back(path: Path) -> list[str]:
    try:
        path.rename(_of(path))
    except OSError as error:
        raise StateError(f"{path}: can't be renamed to {_of(path).name} ({error.strerror or error})") from error
    return [f"put {_of(path)} back"]


def _delete(paths: list[Path], limit: dt.datetime) -> list[str]:
    told: list[str] = []
    for path in paths:
        if not _is_older(path, limit):
            continue
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            raise StateError(f"{path}: can't be deleted ({error.strerror or error}); {len(told)} were") from error
        told.append(f"deleted {path}")
    return told


def _holder(lock: Path) -> tuple[int, dt.datetime | None] | None:
    """The process that holds a lock file, and since when it runs; process 0 where the system does not say; None where nobody holds it."""
    try:
        stream = lock.open("r")
    except OSError:
        return None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _process_of(os.fstat(stream.fileno()).st_ino)
    return None


def _process_of(inode: int) -> tuple[int, dt.datetime | None]:
    with contextlib.suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
                process = Path("/proc") / fields[4]
                return int(fields[4]), dt.datetime.fromtimestamp(process.stat().st_mtime, dt.UTC)
    return 0, None
