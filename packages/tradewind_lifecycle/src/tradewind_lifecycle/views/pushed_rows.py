"""Rows that were pushed to a view that is redefined: the version that is kept takes those with it that it has had.

They are linked, not moved: pushed rows can't be made again, so the view's own log stays whole and counts for its new definition too. A
kept version is registered with a source of its own, so an erasure reaches its log as it reaches the view's.
"""

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from tradewind_contracts.files import atomic_folder
from tradewind_features.datasets import pushed_folder
from tradewind_features.pushing.listing import pushed_files

_COPY = re.compile(r"(?P<table>.+)_v[1-9][0-9]*")


def copy_log(root: Path, table: str, kept: str) -> int:
    """Give the source ``kept`` the rows that were pushed to ``table`` until now, in place of what it had; returns how many files.

    Raises:
        StateError: the file system refuses, or a file was cleared away meanwhile; run again.
    """
    folder, target = pushed_folder(root, table), pushed_folder(root, kept)
    files = pushed_files(folder)
    if not files:
        return 0
    with atomic_folder(target) as partial:
        for path in files:
            place = partial / path.relative_to(folder)
            place.parent.mkdir(exist_ok=True)
            os.link(path, place)
    return len(files)


def drop_copies(root: Path, sources: Iterable[str]) -> list[str]:
    """Delete the logs of kept versions that are registered no more, and return their names; ``sources``: all that are registered."""
    known = set(sources)
    gone = [path for path in sorted(root.glob("*")) if _is_copy(path.name, known)]
    for path in gone:
        shutil.rmtree(path)
    return [path.name for path in gone]


def _is_copy(name: str, sources: set[str]) -> bool:
    found = _COPY.fullmatch(name)
    return found is not None and name not in sources and found["table"] in sources
