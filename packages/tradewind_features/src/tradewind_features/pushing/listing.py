"""Which files of a log of pushed rows count: what a reader takes in, while others write, merge and clear away.

``<folder>/event_date=YYYY-MM-DD/<created_us>-<uuid>.parquet`` is one push's rows of one day of event time. A merge of a day's files is
``merged-<uuid>.parquet`` with ``_merged-<uuid>.json`` beside it for as long as the files that it replaces are there: a list of their
names. The list is written first, then the merged file takes its name: from that instant the replaced ones no longer count, and
those who listed the day before go on reading them until they are cleared away.
"""

import json
from pathlib import Path

MERGED = "merged-"
REPLACES = "_merged-"
"""A list of replaced files begins so: a name with an underscore at the front is no data."""


def pushed_files(folder: Path) -> tuple[Path, ...]:
    """The Parquet files in the log ``folder`` that hold each row once, sorted; none where there is no log."""
    return tuple(path for day in sorted(folder.glob("event_date=*")) for path in files_of_day(day))


def files_of_day(day: Path) -> tuple[Path, ...]:
    """The files of one day's folder that count, sorted."""
    while True:
        names = _names(day)
        replaced = _replaced(day, names)
        if replaced is not None:
            return tuple(day / name for name in sorted(names) if _is_data(name) and name not in replaced)


def replaced_lists(day: Path) -> dict[Path, frozenset[str]]:
    """The lists of replaced files in a day's folder, those whose merged file stands: list → names of the files that it replaces."""
    names = _names(day)
    return {day / name: _read(day / name) for name in sorted(names) if name.startswith(REPLACES) and merged_name(name) in names}


def merged_name(name: str) -> str:
    """The name of the merged file that a list of replaced files belongs to."""
    return name.removeprefix("_").removesuffix(".json") + ".parquet"


def _names(day: Path) -> frozenset[str]:
    """The names in a folder. A listing may miss what is made while it runs, so that two alike are asked for."""
    found = None
    while True:
        before, found = found, frozenset(path.name for path in day.iterdir()) if day.is_dir() else frozenset()
        if found == before:
            return found


def _replaced(day: Path, names: frozenset[str]) -> frozenset[str] | None:
    """All names that a merge has replaced; ``None`` if a list was cleared away since it was listed."""
    lists = [day / name for name in names if name.startswith(REPLACES) and merged_name(name) in names]
    try:
        return frozenset().union(*(_read(path) for path in lists))
    except FileNotFoundError:
        return None


def _read(path: Path) -> frozenset[str]:
    return frozenset(json.loads(path.read_text(encoding="utf-8"))["replaces"])


def _is_data(name: str) -> bool:
    return name.endswith(".parquet") and not name.startswith((".", "_"))
