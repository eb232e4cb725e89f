"""What a version says of the code that made it."""

import shutil

import pytest

from tradewind_contracts.world import World
from tradewind_lifecycle.provenance import code_digest, commit, data_kind, lock_digest


def test_the_code_digest_follows_names_and_bytes_of_sources_and_nothing_else(tmp_path):
    package = tmp_path / "a"
    package.mkdir()
    (package / "x.py").write_text("x = 1\n")
    before = code_digest(package)
    (package / "notes.txt").write_text("nothing")
    assert code_digest(package) == before
    shutil.copytree(package, tmp_path / "b")
    assert code_digest(tmp_path / "b") == before
    (package / "x.py").rename(package / "y.py")
    assert code_digest(package) != before
    (tmp_path / "b" / "x.py").write_text("x = 2\n")
    assert code_digest(tmp_path / "b") != before


def test_the_lock_and_the_commit_are_digests_or_say_that_there_is_none():
    assert len(lock_digest()) == 64
    assert len(commit().name) in {0, 40}


@pytest.mark.parametrize(("source", "kind"), [("olist", "real"), ("simulator", "simulated"), ("acme", "real")])
def test_whether_data_is_simulated_follows_the_source_and_not_the_name_of_the_world(own_settings, source, kind):
    world = World(name="olist", source=source, country="BR", currency="BRL", zone="America/Sao_Paulo")
    world.write(own_settings.paths.world_file)
    assert data_kind(own_settings) == kind
