"""Readers go on while another process writes, and a writer that is killed leaves whole rows only."""

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from tradewind_features.online.reader import OnlineReader, Presence

NOW = dt.datetime(2018, 5, 10, tzinfo=dt.UTC)
KEYS = [f"k{number}" for number in range(200)]
ROUNDS = 40

WRITER = """
import sys
from pathlib import Path
from tradewind_features.online.backend import ViewSpec, open_backend
from tradewind_features.online.packing import FieldType, PackedSchema, pack_rows

path, rounds, keys = Path(sys.argv[1]), int(sys.argv[2]), [f"k{number}" for number in range(200)]
spec = ViewSpec("view", "id", 0, PackedSchema((("a", FieldType.FLOAT64), ("b", FieldType.FLOAT64))))
backend = open_backend(path)
backend.declare(spec)
for number in range(rounds):
    packed = pack_rows(spec.schema, [{"a": float(number), "b": -float(number)}] * len(keys))
    with backend.transaction():
        for place, (key, row) in enumerate(zip(keys, packed)):
            backend.write("view", [(key, number, number, row)])
            if place == 100:
                print(number, flush=True)
print("done", flush=True)
"""


def start(path: Path, rounds: int) -> "subprocess.Popen[str]":
    """A writer of ``rounds`` batches; it prints a line in the middle of each."""
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(rounds)], stdout=subprocess.PIPE, text=True)


def test_a_reader_sees_whole_batches_while_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    writer = start(path, ROUNDS)
    assert writer.stdout is not None
    assert writer.stdout.readline().strip() == "0"
    reader, seen = OnlineReader(path), set()
    while writer.poll() is None or not seen:
        rows = reader.read("view", KEYS, NOW)
        (present,) = {int(value) for value in rows.presence}
        if present == Presence.PRESENT:
            (a,) = set(rows.values["a"].tolist())
            assert set(rows.values["b"].tolist()) == {-a}
            seen.add(a)
    writer.stdout.close()
    assert writer.wait() == 0
    assert reader.read("view", ["k0"], NOW).values["a"].tolist() == [ROUNDS - 1.0]
    assert seen <= {float(number) for number in range(ROUNDS)}


def test_a_writer_killed_in_the_middle_of_a_batch_leaves_the_batch_before(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    writer = start(path, 1000)
    assert writer.stdout is not None
    while writer.stdout.readline().strip() != "5":
        pass
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    rows = OnlineReader(path).read("view", KEYS, NOW)
    (last,) = set(rows.values["a"].tolist())
    assert last >= 4
    assert np.array_equal(rows.values["b"], -rows.values["a"])
    again = start(path, 3)
    assert again.communicate()[0].split()[-1] == "done"
    assert OnlineReader(path).read("view", ["k7"], NOW).values["a"].tolist() == [last]
