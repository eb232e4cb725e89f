"""Keeps writing to an online store until its standard input closes: `python -m tests.benchmarks.online_writer <kind> <folder> <entities>`.

Twenty times a second a hundred rows of each view, of keys at random, with newer events and the values that they have already: readers
must give the same values all along. It writes as the store is written to: ours through its backend, Feast's through Feast.
"""

import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.online_reads import OURS, OURS_ON_REDIS, VIEWS, location

ROWS, PER_SECOND = 100, 20


def into_ours(place: str) -> Callable[[list[str], int], None]:
    from tradewind_features.online.backend import open_backend

    store = open_backend(place if place.startswith("redis://") else Path(place))

    def write(keys: list[str], step: int) -> None:
        with store.transaction():
            for view in [f"v{v}" for v in range(VIEWS)]:
                held = store.read({view: keys})[view]
                rows = [(key, row[0] + step, row[1] + step, row[2]) for key, row in zip(keys, held, strict=True) if row is not None]
                store.write(view, rows)

    return write


def into_feasts(kind: str, folder: Path) -> Callable[[list[str], int], None]:
    import datetime as dt

    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    from tests.benchmarks.feast_repositories import feast_store
    from tests.benchmarks.online_worlds import settings_of

    store = feast_store(folder, **settings_of(kind, folder))
    views = [store.get_feature_view(f"v{v}") for v in range(VIEWS)]
    online = store._get_provider().online_store

    def write(keys: list[str], step: int) -> None:
        protos = [EntityKey(join_keys=["merchant_id"], entity_values=[Value(string_val=key)]) for key in keys]
        for view in views:
            held = online.online_read(store.config, view, protos)
            rows = [
                (key, values, at + dt.timedelta(microseconds=step), at + dt.timedelta(microseconds=step))
                for key, (at, values) in zip(protos, held, strict=True)
                if at is not None and values is not None
            ]
            online.online_write_batch(store.config, view, rows, None)

    return write


def main(kind: str, folder: Path, entities: int) -> None:
    write = into_ours(location(kind, folder)) if kind in {OURS, OURS_ON_REDIS} else into_feasts(kind, folder)
    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    choose, batches = random.Random(11), 0
    print("writing", flush=True)
    while not closed.wait(1 / PER_SECOND):
        keys = sorted({f"merchant_{choose.randrange(entities):06d}" for _ in range(ROWS)})
        write(keys, 1)
        batches += 1
    print(batches, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
