"""Landing twice, landing interrupted, landing where nothing can be written."""

import errno
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import olist_archive as made
import pytest

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_contracts.instants import parse_instant
from tradewind_contracts.manifest import MANIFEST, Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_sources import land, landing, storing

Tiny = Callable[..., made.Planted]


def listing(settings: Settings) -> dict[str, tuple[int, bytes]]:
    """Time of change and bytes of each file in the world, but for the lock."""
    files = (path for path in settings.paths.world.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(settings.paths.world).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def one_order_less(planted: made.Planted) -> None:
    planted.tables[made.ORDERS].pop()
    made.write_tables(planted.path, planted.tables)


def test_the_same_data_lands_nothing_anew(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    first = land("olist", planted.path, own_settings)
    before = listing(own_settings)
    messages: list[str] = []
    second = land("olist", planted.path, own_settings, messages.append)
    assert listing(own_settings) == before
    assert second == first.model_copy(update={"reused": True})
    assert messages == ["olist: nothing new in data, 11 tables stand"]


def test_another_as_of_moves_only_the_clock(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    land("olist", planted.path, own_settings)
    before = listing(own_settings)
    report = land("olist", planted.path, own_settings.model_copy(update={"as_of": "2017-10-20"}))
    after = listing(own_settings)
    assert {name for name in after if after[name] != before[name]} == {"world.json"}
    assert report.as_of == World.read(own_settings.paths.world_file).clock.at == parse_instant("2017-10-20", "America/Sao_Paulo")


def test_a_refused_as_of_leaves_the_clock_where_it_was(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    land("olist", planted.path, own_settings)
    before = listing(own_settings)
    with pytest.raises(SettingsError, match="after the newest row"):
        land("olist", planted.path, own_settings.model_copy(update={"as_of": "2018-06-01"}))
    assert listing(own_settings) == before


def test_other_data_lands_anew_and_the_files_before_stay_for_their_readers(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    land("olist", planted.path, own_settings)
    folder = own_settings.paths.landing
    old = Manifest.read(folder)
    one_order_less(planted)
    assert not land("olist", planted.path, own_settings).reused
    assert all((folder / table.path).exists() for table in old.tables.values())
    # The landing after that one lets them go.
    one_order_less(planted)
    land("olist", planted.path, own_settings)
    kept = {table.path for table in Manifest.read(folder).tables.values()}
    assert not {old.table("orders").path} & {path.name for path in folder.glob("*.parquet")}
    assert kept <= {path.name for path in folder.glob("*.parquet")}


def test_leftovers_of_a_killed_run_go_even_when_nothing_new_lands(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    land("olist", planted.path, own_settings)
    before = listing(own_settings)
    (own_settings.paths.landing / ".orders.parquet.x.partial").write_bytes(b"of a killed run")
    (own_settings.paths.landing / "orders-0123456789abcdef.parquet").write_bytes(b"of a killed run")
    assert land("olist", planted.path, own_settings).reused
    assert listing(own_settings) == before


@pytest.mark.parametrize("broken", ["deleted", "damaged"])
def test_a_landed_file_that_is_not_what_the_manifest_says_lands_again(tiny: Tiny, own_settings: Settings, broken: str) -> None:
    planted = tiny()
    land("olist", planted.path, own_settings)
    folder = own_settings.paths.landing
    manifest = Manifest.read(folder)
    path = folder / manifest.table("orders").path
    path.unlink() if broken == "deleted" else path.write_bytes(b"PAR1")
    assert not land("olist", planted.path, own_settings).reused
    assert Manifest.read(folder).tables == manifest.tables
    assert storing.present(folder) is not None


def test_changed_code_lands_again(tiny: Tiny, own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tiny()
    land("olist", planted.path, own_settings)
    monkeypatch.setattr(landing, "code_digest", lambda: "another")
    assert not land("olist", planted.path, own_settings).reused


def test_threads_and_the_day_of_landing_do_not_change_a_byte(tmp_path: Path) -> None:
    planted = made.write_archive(tmp_path / "data", orders=400, merchants=30)
    digests = []
    for run, threads in enumerate((1, 2, 2)):
        settings = Settings(home=tmp_path / f"home{run}", source="olist", threads=threads)
        land("olist", planted.path, settings)
        digests.append(Manifest.read(settings.paths.landing).tables)
    assert digests[0] == digests[1] == digests[2]


class Killed(BaseException):
    """Stands for a kill: nothing in the code catches it."""


def dies_at(step: int, call: Callable[..., Any]) -> Callable[..., Any]:
    """``call``, but its ``step``-th use never begins."""
    uses = iter(range(1, 1000))

    def dying(*arguments: Any, **options: Any) -> Any:
        if next(uses) == step:
            raise Killed
        return call(*arguments, **options)

    return dying


@pytest.mark.parametrize(
    ("where", "name", "step"),
    [(storing.pq, "write_table", 1), (storing.pq, "write_table", 7), (storing, "digest_file", 3), (Manifest, "write", 1)],
    ids=["before the first file", "between files", "before a file has its name", "before the manifest"],
)
def test_a_landing_that_dies_leaves_the_last_one_and_the_next_one_cleans_up(
    tiny: Tiny, own_settings: Settings, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, step: int
) -> None:
    planted = tiny()
    land("olist", planted.path, own_settings)
    folder = own_settings.paths.landing
    before = Manifest.read(folder)
    world = own_settings.paths.world_file.read_bytes()
    one_order_less(planted)
    with monkeypatch.context() as patched:
        patched.setattr(where, name, dies_at(step + (len(before.tables) if name == "digest_file" else 0), getattr(where, name)))
        with pytest.raises(Killed):
            land("olist", planted.path, own_settings)
    assert Manifest.read(folder) == before
    assert storing.present(folder) == before
    assert own_settings.paths.world_file.read_bytes() == world

    (folder / ".orders.parquet.partial.x.partial").write_bytes(b"of a killed run")
    (folder / "orders-0123456789abcdef.parquet").write_bytes(b"of a killed run")
    land("olist", planted.path, own_settings)
    fresh = Settings(home=own_settings.home.parent / "fresh", source="olist")
    land("olist", planted.path, fresh)
    assert Manifest.read(folder).tables == Manifest.read(fresh.paths.landing).tables
    wanted = {table.path for table in (*before.tables.values(), *Manifest.read(folder).tables.values())}
    assert {path.name for path in folder.iterdir()} == {*wanted, MANIFEST, ".lock"}


def test_a_landing_that_dies_before_the_clock_is_set_is_finished_by_the_next(
    tiny: Tiny, own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tiny()
    with monkeypatch.context() as patched:
        patched.setattr(World, "write", dies_at(1, World.write))
        with pytest.raises(Killed):
            land("olist", planted.path, own_settings)
    report = land("olist", planted.path, own_settings)
    assert report.reused
    assert World.read(own_settings.paths.world_file).clock.at == report.as_of


def test_a_full_disk_is_named_and_the_last_landing_stands(tiny: Tiny, own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tiny()
    land("olist", planted.path, own_settings)
    before = listing(own_settings)
    one_order_less(planted)

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storing.pq, "write_table", full)
    with pytest.raises(StateError, match=r"No space left on device.*make room"):
        land("olist", planted.path, own_settings)
    assert listing(own_settings) == before


def test_a_home_that_can_not_be_written_is_named(tiny: Tiny, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file, where a folder is wanted")
    with pytest.raises(StateError, match=r"home/worlds/olist/landing/\.lock: can't be written"):
        land("olist", tiny().path, Settings(home=home, source="olist"))


def test_two_landings_at_once_are_refused(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    own_settings.paths.landing.mkdir(parents=True)
    with (own_settings.paths.landing / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(StateError, match="another landing is under way"):
            land("olist", planted.path, own_settings)
    assert not land("olist", planted.path, own_settings).reused
