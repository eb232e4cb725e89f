"""A bundle holds open formats that are what they say: never pickle, never a link."""

import gzip
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tradewind_contracts.digests import folder_listing
from tradewind_contracts.errors import IntegrityError
from tradewind_registry.contents import check_relative, listing_of_open_formats


def _pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": 1}))


def _zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(1))


def _gzipped(path: Path) -> None:
    path.write_bytes(gzip.compress(pickle.dumps(1)))


def test_a_bundle_of_open_formats_is_listed_whole(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "contract.json").write_text('{"a": 1}')
    (tmp_path / "model.txt").write_text("tree\nversion=v4\n")
    (tmp_path / "deep" / "er" / "plot.png").write_bytes(b"\x89PNG\r\n\x1a\n rest")
    (tmp_path / "deep" / "table.parquet").write_bytes(b"PAR1 and so on PAR1")
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    assert listing_of_open_formats(tmp_path) == folder_listing(tmp_path)
    assert len(folder_listing(tmp_path)) == 5


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "weights.npy", "model.pt", "README", ".json", "model.txt.gz"])
def test_other_suffixes_are_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(IntegrityError, match=rf"{name}: a bundle holds open formats only \(.csv, .json"):
        listing_of_open_formats(tmp_path)


@pytest.mark.parametrize("write", [_pickled, _zipped, _gzipped])
@pytest.mark.parametrize("name", ["model.txt", "model.onnx", "vocabulary.json"])
def test_a_pickle_under_another_name_is_refused(tmp_path: Path, write: Callable[[Path], None], name: str) -> None:
    write(tmp_path / name)
    with pytest.raises(IntegrityError, match=f"{name}: looks like pickle"):
        listing_of_open_formats(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{'a': 1}"),
        ("a.json", b"\xff\xfe"),
        ("a.txt", b"text\0with a zero"),
        ("a.csv", b"\xff\xff"),
        ("a.png", b"GIF89a"),
        ("a.parquet", b"ARROW1"),
        ("a.onnx", b"tree"),
        ("a.txt", pickle.dumps({"a": 1}, protocol=1)),
    ],
)
def test_a_file_that_is_not_what_its_suffix_says_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(IntegrityError, match=rf"{name}: is not {name.partition('.')[2]}"):
        listing_of_open_formats(tmp_path)


def test_an_empty_folder_an_absent_one_and_a_link_are_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(IntegrityError, match="no files; expected a bundle"):
            listing_of_open_formats(folder)
    (tmp_path / "model.txt").symlink_to("/etc/hostname")
    with pytest.raises(IntegrityError, match=r"model\.txt: a link"):
        listing_of_open_formats(tmp_path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.txt", "a/../../b.txt", "a\\b.txt", "./a.txt", "a//b.txt"])
def test_a_name_that_leaves_the_bundle_is_refused(name: str) -> None:
    with pytest.raises(IntegrityError, match="stays inside"):
        check_relative(name)
