"""Atomic writes, digests and manifests."""

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_contracts.digests import canonical_json, digest_bytes, digest_file, digest_folder, digest_json
from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_contracts.files import atomic_file, atomic_folder, write_text
from tradewind_contracts.manifest import MANIFEST, Manifest, PublishedTable
from tradewind_contracts.world import World

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_text(target, "old")

    def write_half() -> None:
        with atomic_file(target) as partial:
            partial.write_text("half")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_half()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_is_a_state_error_that_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.json"
    write_text(target, "old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StateError, match=r"a\.json.*No space left"):
        write_text(target, "new")
    assert target.read_text() == "old"


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    for content in ("one", "two"):
        with atomic_folder(target) as partial:
            (partial / f"{content}.txt").write_text(content)
    assert [p.name for p in target.iterdir()] == ["two.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    with atomic_folder(target) as partial:
        (partial / "one.txt").write_text("one")

    def replace_half() -> None:
        with atomic_folder(target) as partial:
            (partial / "two.txt").write_text("two")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        replace_half()
    assert [p.name for p in target.iterdir()] == ["one.txt"]


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=6))
def test_the_order_of_keys_does_not_change_a_digest(value: dict[str, object]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert digest_json(value) == digest_json(backwards)


@given(json_values, json_values)
def test_canonical_json_is_equal_just_when_the_values_are(a: object, b: object) -> None:
    # Python holds True == 1; JSON does not, so compare what was written.
    assert (canonical_json(a) == canonical_json(b)) == (repr_typed(a) == repr_typed(b))


def repr_typed(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{k!r}:{repr_typed(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(repr_typed(v) for v in value) + "]"
    return repr(value)


def test_a_folder_digest_sees_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a").write_text("1")
    first = digest_folder(tmp_path)
    (tmp_path / "x" / "a").rename(tmp_path / "x" / "b")
    renamed = digest_folder(tmp_path)
    (tmp_path / "x" / "b").write_text("2")
    assert len({first, renamed, digest_folder(tmp_path)}) == 3
    assert digest_file(tmp_path / "x" / "b") == digest_bytes(b"2")


def _manifest(digest: str) -> Manifest:
    return Manifest(stage="marts", tables={"a": PublishedTable(path="a.parquet", digest=digest, rows=1, columns={"x": "int64"})})


def test_a_manifest_reads_back_and_its_digest_is_that_of_its_tables(tmp_path: Path) -> None:
    manifest = _manifest("1" * 64)
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
    assert manifest.digest == manifest.model_copy(update={"facts": {"seconds": 3}}).digest
    assert manifest.digest != _manifest("2" * 64).digest


def test_an_absent_manifest_and_a_broken_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="nothing has been published"):
        Manifest.read(tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(IntegrityError, match="not a manifest"):
        Manifest.read(tmp_path)


def test_asking_for_a_table_that_is_not_published_names_those_that_are() -> None:
    with pytest.raises(NotFoundError, match=r"no table 'b'.*there are: a"):
        _manifest("1" * 64).table("b")


def test_a_home_without_a_world_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="make run"):
        World.read(tmp_path / "world.json")
