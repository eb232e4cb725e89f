"""A join whose answer goes to Parquet under a memory limit: `python -m tests.benchmarks.contenders.streaming <module> <world> <limit> <answer>`.

Entity rows come from Parquet, too: our store is asked with SQL over a table that its configuration names.
"""

import importlib
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.joined_worlds import World, make_world, tiny
from tests.benchmarks.measuring import measured, told, watching


def main(name: str, world: World, memory_limit: str, answer: Path) -> None:
    contender = importlib.import_module(f"tests.benchmarks.contenders.{name}")
    with tempfile.TemporaryDirectory() as scratch:
        spill = Path(scratch) / "spill"
        spill.mkdir()
        small = make_world(Path(scratch) / "world", tiny(world.shape))
        contender.join_to_parquet(small, Path(scratch) / "tiny.parquet", memory_limit, spill)
        with watching(spill) as spilled:
            _, found = measured(lambda: contender.join_to_parquet(world, answer, memory_limit, spill))
        told(measurement=found, spilled_bytes=spilled(), answer_bytes=answer.stat().st_size)


if __name__ == "__main__":
    main(sys.argv[1], World.from_json(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
