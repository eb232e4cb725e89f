"""A world is a function of its parameters and levers: the same bytes again, in parts, with other threads; or not there at all."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tiny_world import DAYS, tiny

from tradewind_contracts.digests import folder_listing
from tradewind_contracts.errors import IntegrityError, SettingsError, SourceError, StateError
from tradewind_contracts.tables import TABLES
from tradewind_simulator import checkpoints, extend, preset, simulate, truth
from tradewind_simulator.engine import Engine
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
    [
        ({"days": 0}, "days"),
        ({"orders_per_day": -1}, "orders_per_day"),
        ({"seed": -3}, "seed"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"last_mile": {"attempts": {"refused": float("nan")}}}, "last_mile.attempts.refused is nan"),
        ({"staffing": {"pick_per_hour": float("inf")}}, "staffing.pick_per_hour is inf"),
        ({"staffing": {"sort_per_hour": 0}}, "staffing.sort_per_hour: expected a value greater than 0"),
        (
            {"staffing": {"least_couriers": 3}},
            "staffing: least_couriers is more than least_people: there can't be more couriers than people$",
        ),
    ],
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
    with pytest.raises(SourceError, match=r"manifest\.json"):
        extend(tmp_path)
    with pytest.raises(SettingsError, match="--days"):
        extend(tmp_path, 0)


def test_a_killed_extension_leaves_the_world_as_it_was(world: Path, tmp_path: Path) -> None:
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


def files_of(world: Path) -> set[str]:
    return {name for name in folder_listing(world) if name.endswith(".parquet")}


def test_an_extension_that_fails_leaves_nothing_behind_and_none_that_was_killed_does(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = tmp_path / "grown"
    shutil.copytree(world, grown)
    before = folder_listing(grown)
    step = Engine.step

    def full(engine: Engine, observed: Path, truths: Path) -> object:
        if engine.day == DAYS + 2:
            raise OSError(28, "No space left on device")
        return step(engine, observed, truths)

    monkeypatch.setattr(Engine, "step", full)
    with pytest.raises(StateError, match="No space left"):
        extend(grown, 5)
    assert folder_listing(grown) == before
    monkeypatch.undo()
    # As a kill would leave it: files of days that no manifest of observed names, though truth's does.
    later = grown / "observed" / "orders" / "2024-12-31.parquet"
    shutil.copy(grown / "observed" / "orders" / "2024-01-02.parquet", later)
    of_truth = FolderManifest.read(grown / "truth")
    entry = of_truth.files[-1].model_copy(update={"day": "2024-12-31", "path": "dirt/2024-12-31.parquet"})
    of_truth.model_copy(update={"newest_day": "2024-12-31", "files": (*of_truth.files, entry)}).write(grown / "truth")
    extend(grown)
    named = {f"{where}/{file.path}" for where in ("observed", "truth") for file in FolderManifest.read(grown / where).files}
    assert files_of(grown) == named
    assert FolderManifest.read(grown / "truth").newest_day == FolderManifest.read(grown / "observed").newest_day


def test_an_extension_counts_the_rows_that_it_adds(world: Path, tmp_path: Path) -> None:
    grown = tmp_path / "grown"
    shutil.copytree(world, grown)
    added = extend(grown)
    newest = [file for file in FolderManifest.read(grown / "observed").files if file.day == added.newest_day]
    assert {name: rows for name, rows in added.rows.items() if rows} == {file.table: file.rows for file in newest}
    assert added.truth_rows["weather"] == 27


def test_days_are_not_added_by_another_version_of_the_simulator(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown = tmp_path / "grown"
    shutil.copytree(world, grown)
    before = folder_listing(grown)
    with monkeypatch.context() as changed:
        changed.setattr(checkpoints, "code_digest", lambda: "another")
        with pytest.raises(StateError, match="another version of the simulator"):
            extend(grown)
    path = grown / "truth" / "parameters.json"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace('"seed": 7', '"seed": 8'), encoding="utf-8")
    with pytest.raises(IntegrityError, match=r"parameters\.json: not what the world was begun with"):
        extend(grown)
    path.write_text(whole, encoding="utf-8")
    with pytest.raises(SettingsError, match="--days 3650: a world has at most 3,650 days"):
        extend(grown, 3650)
    assert folder_listing(grown) == before


@pytest.mark.parametrize("name", ["handling.npz", "*.arrow", "facts.json"])
@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not whole"])
def test_a_damaged_checkpoint_is_refused_by_name(world: Path, tmp_path: Path, name: str, damage: bytes) -> None:
    grown = tmp_path / "grown"
    for part in ("state", "truth/parameters.json", "truth/manifest.json", "observed/manifest.json"):
        (grown / part).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if part == "state" else shutil.copy)(world / part, grown / part)
    next(grown.glob(f"state/*/{name}")).write_bytes(damage)
    with pytest.raises(IntegrityError, match="a damaged checkpoint"):
        extend(grown)


def test_a_file_is_no_world(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match=r"manifest\.json: can't be read"):
        extend(tmp_path / "file")
    (tmp_path / "observed").mkdir()
    (tmp_path / "observed" / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(SourceError, match=r"not the manifest of a simulated world \(Invalid JSON"):
        extend(tmp_path)


def test_truth_is_read_by_name(world: Path) -> None:
    from tradewind_contracts.errors import NotFoundError

    assert truth.is_there(world)
    assert truth.read(world, "dirt").column_names == ["table", "reason", "day", "rows_count"]
    with pytest.raises(NotFoundError, match="no truth of 'nonsense'"):
        truth.read(world, "nonsense")
