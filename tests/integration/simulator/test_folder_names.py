"""A world's folder may be called whatever the file system allows."""

from pathlib import Path

from tradewind_simulator import preset, simulate


def test_a_name_with_wildcards_touches_no_other_worlds_unfinished_folder(tmp_path: Path) -> None:
    others, own = tmp_path / ".world.abc.partial", tmp_path / ".[w]*.old.partial"
    others.mkdir()
    own.mkdir()
    simulate(preset("tiny", days=1, orders_per_day=5), tmp_path / "[w]*")
    assert others.is_dir()
    assert not own.exists()
    assert (tmp_path / "[w]*" / "observed" / "manifest.json").is_file()
