"""What a version says of the code that made it."""

import shutil

from tradewind_lifecycle.provenance import code_digest, commit, lock_digest


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
