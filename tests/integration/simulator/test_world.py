"""A world is a function of its parameters and levers: the same bytes again, in parts, with other threads; or not there at all."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tiny_world import DAYS, tiny

from tradewind_contracts.digests import folder_listing
from tradewind_contracts.errors import SettingsError, StateError
from tradewind_contracts.tables import TABLES
from tradewind_simulator import extend, preset, simulate, truth
from tradewind_simulator.manifests import FolderManifest

RUN = """
import sys
from pathlib import Path
import pyarrow
from tradewind_simulator import preset, simulate
pyarrow.set_cpu_count(int(sys.argv[2]))
simulate(preset("tiny", days=int(sys.argv[3])), Path(sys.argv[1]))
"""


def written(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in folder_listing(folder).items() if not name.startswith("state/")}


def in_a_process(out: Path, threads: int, days: int = DAYS, limit_bytes: int | None = None) -> subprocess.CompletedProcess[str]:
    def limited() -> None:
        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", RUN, str(out), str(threads), str(days)]
    return subprocess.run(command, env=environment, preexec_fn=limited, capture_output=True, text=True, check=False)


def test_every_landing_table_is_there_with_its_declared_columns(world: Path) -> None:
    manifest = FolderManifest.read(world / "observed")
    assert {file.table for file in manifest.files} == set(TABLES)
    for name, table in TABLES.items():
        first = pq.read_schema(world / "observed" / manifest.of(name)[0].path)
        assert first.names == [column.name for column in table.columns], name
        assert [field.type for field in first] == [column.kind.arrow for column in table.columns], name


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_threads(world: Path, tmp_path: Path, threads: int) -> None:
    done = in_a_process(tmp_path / "again", threads)
    assert done.returncode == 0, done.stderr[-3000:]
    assert written(tmp_path / "again") == written(world)


def test_days_added_one_by_one_are_the_days_simulated_at_once(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "grown"
    simulate(tiny(days=DAYS - 3), out)
    before = written(out)
    extend(out)
    extend(out, 2)
    grown = written(out)
    # The parameters name how many days were asked for at first: nothing else differs.
    assert {n for n in grown if grown[n] != written(world).get(n)} <= {"truth/parameters.json"}
    assert grown.keys() == written(world).keys()
    named = {"observed/manifest.json", "truth/manifest.json"}
    assert {n for n in before if before[n] != grown[n]} <= named, "what stood is not touched"


def test_another_seed_is_another_world(world: Path, tmp_path: Path) -> None:
    simulate(tiny(seed=8, days=3), tmp_path / "other")
    one, other = written(world), written(tmp_path / "other")
    assert one["observed/orders/2024-01-02.parquet"] != other["observed/orders/2024-01-02.parquet"]


def test_an_existing_folder_is_refused_and_kept(world: Path) -> None:
    before = written(world)
    with pytest.raises(StateError, match="exists"):
        simulate(tiny(days=1), world)
    assert written(world) == before


@pytest.mark.parametrize(
    ("changes", "name"),
    [({"days": 0}, "days"), ({"orders_per_day": -1}, "orders_per_day"), ({"seed": -3}, "seed"), ({"zone": "Mars/Olympus"}, "zone")],
)
def test_impossible_parameters_are_refused_by_name(changes: dict[str, object], name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        preset("tiny", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("lever", ["subsidy", "subsidy=-1", "gravity=2", "close_hub=H001", "staffing=much", "staffing=0.5@2024-13-01"])
def test_a_lever_that_is_not_understood_is_refused(tmp_path: Path, lever: str) -> None:
    with pytest.raises(SettingsError, match="--intervene"):
        simulate(tiny(days=1), tmp_path / "out", interventions=[lever])
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_does_not_exist_cannot_be_closed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="H999"):
        simulate(tiny(days=1), tmp_path / "out", interventions=["close_hub=H999@2024-01-02"])


def test_a_full_disk_leaves_no_folder(tmp_path: Path) -> None:
    done = in_a_process(tmp_path / "out", 1, days=5, limit_bytes=20_000)
    assert done.returncode != 0
    assert "StateError" in done.stderr
    assert "can't be written" in done.stderr
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".lock")] == []


def test_a_killed_run_leaves_no_folder_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", RUN, str(out), "1", "3000"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not list(tmp_path.glob(".out.*.partial/observed/orders/*.parquet")):
            assert process.poll() is None
        process.kill()
    assert not out.exists()
    simulate(tiny(days=2), out)
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".partial")] == []


def test_adding_days_to_what_is_no_world_is_refused(tmp_path: Path) -> None:
    from tradewind_contracts.errors import SourceError

    with pytest.raises(SourceError, match=r"manifest\.json"):
        extend(tmp_path)
    with pytest.raises(SettingsError, match="--days"):
        extend(tmp_path, 0)


def test_a_killed_extension_leaves_the_world_as_it_was(world: Path, tmp_path: Path) -> None:
    import shutil

    grown, undisturbed = tmp_path / "grown", tmp_path / "undisturbed"
    for copy in (grown, undisturbed):
        shutil.copytree(world, copy)
    code = "import sys; from pathlib import Path; from tradewind_simulator import extend; extend(Path(sys.argv[1]), 3000)"
    with subprocess.Popen([sys.executable, "-c", code, str(grown)], stderr=subprocess.DEVNULL) as process:
        while len(list(grown.glob("observed/orders/*.parquet"))) <= DAYS:
            assert process.poll() is None
        process.kill()
    assert FolderManifest.read(grown / "observed").newest_day == FolderManifest.read(world / "observed").newest_day
    for copy in (grown, undisturbed):
        extend(copy, 2)
    for where in ("observed", "truth"):
        assert FolderManifest.read(grown / where) == FolderManifest.read(undisturbed / where)


def test_truth_is_read_by_name(world: Path) -> None:
    from tradewind_contracts.errors import NotFoundError

    assert truth.is_there(world)
    assert truth.read(world, "dirt").column_names == ["table", "reason", "day", "rows_count"]
    with pytest.raises(NotFoundError, match="no truth of 'nonsense'"):
        truth.read(world, "nonsense")
