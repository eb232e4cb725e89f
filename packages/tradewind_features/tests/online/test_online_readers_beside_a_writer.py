"""Many processes at one store: readers go on while another writes, and a writer that is killed loses nothing and leaves nothing torn."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from online_rows import NOW, Location

from tradewind_features.online.backend import open_backend
from tradewind_features.online.reader import OnlineReader, Presence
from tradewind_features.online.sqlite_file import is_whole

KEYS = [f"k{number}" for number in range(200)]
ROUNDS = 40

WRITER = """
import sys
from pathlib import Path
from tradewind_features.online.backend import ViewSpec, open_backend
from tradewind_features.online.packing import FieldType, PackedSchema, pack_rows

location, first, rounds, keys = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [f"k{number}" for number in range(200)]
schema = PackedSchema((("a", FieldType.FLOAT64), ("b", FieldType.FLOAT64)))
views = [ViewSpec(view, "id", 0, schema) for view in ("view", "other")]
backend = open_backend(location if "://" in location else Path(location))
for spec in views:
    backend.declare(spec)
for number in range(first, first + rounds):
    packed = pack_rows(schema, [{"a": float(number), "b": -float(number)}] * len(keys))
    rows = [(key, number, number, row) for key, row in zip(keys, packed)]
    with backend.transaction():
        backend.write("view", rows[:100])
        print("began", number, flush=True)
        backend.write("view", rows[100:])
        backend.write("other", rows)
        backend.note_materialized("view", str(number))
    print("kept", number, flush=True)
"""


def start(location: Location, first: int, rounds: int) -> "subprocess.Popen[str]":
    """A writer of ``rounds`` numbered batches over two views; it says when it is in the middle of one, and when that is committed."""
    command = [sys.executable, "-c", WRITER, str(location), str(first), str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def lines(writer: "subprocess.Popen[str]") -> Iterator[tuple[str, int]]:
    """What a writer says, until it ends."""
    assert writer.stdout is not None
    with writer.stdout:
        for line in writer.stdout:
            word, number = line.split()
            yield word, int(number)


def test_a_reader_sees_whole_batches_of_several_views_while_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    writer = start(path, 0, ROUNDS)
    said = lines(writer)
    assert next(said) == ("began", 0)
    reader, seen = OnlineReader(path), set()
    wanted = [("view", "a"), ("view", "b"), ("other", "a")]
    while writer.poll() is None or not seen:
        found = reader.vectors(wanted, {"view": KEYS, "other": KEYS}, NOW)
        (present,) = {*found.presence["view"].tolist(), *found.presence["other"].tolist()}
        if present == Presence.PRESENT:
            (a,) = set(found.values[:, [0, 2]].ravel().tolist())
            assert set(found.values[:, 1].tolist()) == {-a}
            seen.add(a)
    assert list(said)[-1] == ("kept", ROUNDS - 1)
    assert writer.wait() == 0
    assert reader.read("view", ["k0"], NOW).values["a"].tolist() == [ROUNDS - 1.0]
    assert seen <= {float(number) for number in range(ROUNDS)}
    reader.close()


def test_a_writer_that_is_killed_again_and_again_loses_no_batch_and_leaves_none_half(tmp_path: Path) -> None:
    path, order, first, kept = tmp_path / "online.db", random.Random(5), 0, -1
    for _ in range(3):
        writer, stop, began = start(path, first, 10_000), order.randint(3, 60), -1
        for heard, (word, number) in enumerate(lines(writer)):
            began, kept = (number, kept) if word == "began" else (began, number)
            if heard == stop:
                os.kill(writer.pid, signal.SIGKILL)  # what it still said before it died is read to the end
        writer.wait()
        reader = OnlineReader(path)
        found = reader.vectors([("view", "a"), ("view", "b"), ("other", "a")], {"view": KEYS, "other": KEYS}, NOW)
        reader.close()
        (last,) = set(found.values[:, [0, 2]].ravel().tolist())
        assert kept <= last <= began
        assert np.array_equal(found.values[:, 1], np.full(len(KEYS), -last))
        with open_backend(path) as backend:
            assert backend.read_materialized() == {"view": str(int(last))}
        assert is_whole(path)
        first = int(last) + 1
    assert kept >= 4


@pytest.mark.redis
def test_a_writer_to_a_server_that_is_killed_leaves_whole_rows_and_a_note_only_of_what_is_there(server_location: str) -> None:
    order, first = random.Random(5), 0
    for _ in range(2):
        writer, stop, kept = start(server_location, first, 10_000), order.randint(3, 40), -1
        for heard, (word, number) in enumerate(lines(writer)):
            kept = number if word == "kept" else kept
            if heard == stop:
                os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        with OnlineReaderOf(server_location) as reader, open_backend(server_location) as backend:
            rows, noted = reader.read("view", KEYS, NOW), int(backend.read_materialized()["view"])
        assert noted >= kept
        assert np.array_equal(rows.values["b"], -rows.values["a"])
        assert rows.values["a"].min() >= noted
        first = int(rows.values["a"].max()) + 1


class OnlineReaderOf(OnlineReader):
    """A reader for a block."""

    def __enter__(self) -> "OnlineReaderOf":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.mark.redis
def test_the_newest_row_stays_on_a_server_to_which_several_processes_write_at_once(server_location: str) -> None:
    code = (
        "import sys, random\n"
        "from tradewind_features.online.backend import ViewSpec, open_backend\n"
        "from tradewind_features.online.packing import FieldType, PackedSchema, pack_rows\n"
        "schema, order = PackedSchema((('a', FieldType.FLOAT64),)), random.Random(int(sys.argv[2]))\n"
        "stamps = [(event, created) for event in range(20) for created in range(5)]\n"
        "with open_backend(sys.argv[1]) as backend:\n"
        "    backend.declare(ViewSpec('view', 'id', 0, schema))\n"
        "    for _ in range(6):\n"
        "        order.shuffle(stamps)\n"
        "        packed = pack_rows(schema, [{'a': event * 10.0 + created} for event, created in stamps])\n"
        "        for key in range(8):\n"
        "            backend.write('view', [(key, *stamp, row) for stamp, row in zip(stamps, packed)])\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, server_location, str(seed)]) for seed in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    reader = OnlineReader(server_location)
    assert reader.read("view", list(range(8)), NOW).values["a"].tolist() == [194.0] * 8
    reader.close()
