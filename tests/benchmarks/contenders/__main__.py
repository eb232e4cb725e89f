"""One contender's turn, in a process of its own: `python -m tests.benchmarks.contenders <module> <world> <entity rows> <answer>`.

It imports, prepares and warms up on a tiny world before anything is measured (so that what an engine loads at its first question counts
as imports); then it reads the entity rows and is measured from there. The answer goes to Parquet afterwards, to be compared.
"""

import importlib
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from tests.benchmarks.joined_worlds import World, make_world, tiny
from tests.benchmarks.measuring import measured, resident_bytes, told


def main(name: str, world: World, entity_rows: int, answer_path: Path) -> None:
    contender = importlib.import_module(f"tests.benchmarks.contenders.{name}")
    with tempfile.TemporaryDirectory() as scratch:
        small = make_world(Path(scratch) / "world", tiny(world.shape))
        contender.prepare(small, Path(scratch) / "tiny")(small.entities(small.shape.entity_rows).to_pandas())
        join = contender.prepare(world, Path(scratch) / "whole")
        base = resident_bytes()
        entities = world.entities(entity_rows).to_pandas()
        answer, found = measured(lambda: join(entities), base)
    pq.write_table(answer, answer_path)
    told(measurement=found, rows=answer.num_rows, answer_bytes=answer.nbytes)


if __name__ == "__main__":
    main(sys.argv[1], World.from_json(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
