"""One contender's reads of an online store, in a process of its own.

`python -m tests.benchmarks.online_reads <reader|feast> <kind> <folder> <entities> <rows>:<reads> …`: by our reader alone (Feast is not
imported), or through the SDK of the Feast repository in the folder. Feast gives lists of values by feature; the reader gives a matrix
with presence and ages.
"""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.measuring import told

READER, FEAST = "reader", "feast"
OURS, OURS_ON_REDIS = "Tradewind", "Tradewind on Redis"
FEASTS, FEASTS_ON_REDIS = "Feast's SQLite", "Feast's Redis"
SERVER = "redis://127.0.0.1:6379/15"
RUNS, WARM = 5, 50
VIEWS, FEATURES = 3, 10
CHECKED = 200

Read = Callable[[list[str]], list[list[float | None]]]


def location(kind: str, folder: Path) -> str:
    """Where one of our stores is, as the reader and the backend take it; on Redis under a prefix of the run's own."""
    return f"{SERVER}?prefix={prefix(folder)}" if kind == OURS_ON_REDIS else str(folder / "online.db")


def prefix(folder: Path) -> str:
    """What the keys of a store on Redis begin with."""
    return f"tradewind-bench:{folder.parent.name}"


def with_reader(place: str) -> tuple[Callable[[list[str]], object], Read]:
    """Our reader: the read that is measured, and the same as rows of values."""
    import datetime as dt

    from tradewind_features.online.reader import OnlineReader

    reader = OnlineReader(place)
    now = dt.datetime(2018, 5, 6, tzinfo=dt.UTC)
    wanted = [(f"v{v}", f"v{v}_f{i}") for v in range(VIEWS) for i in range(FEATURES)]

    def read(keys: list[str]) -> object:
        return reader.vectors(wanted, {f"v{v}": keys for v in range(VIEWS)}, now)

    def rows(keys: list[str]) -> list[list[float | None]]:
        found: list[list[float | None]] = reader.vectors(wanted, {f"v{v}": keys for v in range(VIEWS)}, now).values.tolist()
        return found

    return read, rows


def with_feast(kind: str, folder: Path) -> tuple[Callable[[list[str]], object], Read]:
    """Feast's SDK over a store of some kind."""
    from tests.benchmarks.feast_repositories import feast_store
    from tests.benchmarks.online_worlds import settings_of

    store = feast_store(folder, **settings_of(kind, folder))
    references = [f"v{v}:v{v}_f{i}" for v in range(VIEWS) for i in range(FEATURES)]

    def read(keys: list[str]) -> dict[str, list[float | None]]:
        answer: dict[str, list[float | None]] = store.get_online_features(references, [{"merchant_id": key} for key in keys]).to_dict()
        return answer

    def rows(keys: list[str]) -> list[list[float | None]]:
        answer = read(keys)
        return [list(row) for row in zip(*(answer[name.split(":")[1]] for name in references), strict=True)]

    return read, rows


def quantiles(read: Callable[[list[str]], object], entities: int, rows: int, reads: int) -> list[tuple[float, float]]:
    """Median and 99th percentile in milliseconds, of each run, over random keys."""
    choose = random.Random(7)
    asked = [[f"merchant_{choose.randrange(entities):06d}" for _ in range(rows)] for _ in range(reads)]
    for keys in asked[:WARM]:
        read(keys)
    found = []
    for _ in range(RUNS):
        taken = []
        for keys in asked:
            began = time.perf_counter()
            read(keys)
            taken.append(time.perf_counter() - began)
        taken.sort()
        found.append((taken[reads // 2] * 1e3, taken[min(reads - 1, round(reads * 0.99))] * 1e3))
    return found


def main(how: str, kind: str, folder: Path, entities: int, asked: list[str]) -> None:
    read, values = with_reader(location(kind, folder)) if how == READER else with_feast(kind, folder)
    runs = {}
    for rows, _, reads in (text.partition(":") for text in asked):
        runs[rows] = quantiles(read, entities, int(rows), int(reads))
    told(runs=runs, values=values([f"merchant_{number:06d}" for number in range(CHECKED)]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
