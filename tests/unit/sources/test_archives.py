"""Archives: what is refused, and how it is named."""

import stat
import zipfile
from pathlib import Path

import pytest

from tradewind_contracts.errors import SourceError
from tradewind_sources import archives
from tradewind_sources.archives import open_archive


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path


def test_nothing_at_the_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"orders\.zip: no such file or folder; expected the archive"):
        open_archive(tmp_path / "orders.zip")


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.zip"
    path.write_bytes(b"<html>log in first</html>")
    with pytest.raises(SourceError, match=r"orders\.zip: not a readable zip .*download it again"):
        open_archive(path)


def test_a_zip_cut_short_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "orders.zip", {"a.csv": bytes(range(256)) * 400})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(SourceError, match="not a readable zip"):
        open_archive(path)


def test_a_zip_with_damaged_content_is_refused_while_it_is_read(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "orders.zip", {"a.csv": b"x,y\n" * 4000})
    data = bytearray(path.read_bytes())
    data[40:60] = bytes(20)
    path.write_bytes(data)
    archive = open_archive(path)
    with pytest.raises(SourceError, match=r"a\.csv can't be read to its end .*damaged"), archive.open("a.csv") as stream:
        stream.read()


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "in/../../a.csv", "..\\a.csv", "C:\\a.csv"])
def test_a_zip_with_a_path_outside_itself_is_refused(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "orders.zip", {name: b"x"})
    with pytest.raises(SourceError, match="lies outside of it"):
        open_archive(path)


def test_a_zip_that_holds_a_file_twice_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "orders.zip", {"a/x.csv": b"1", "b/x.csv": b"2"})
    with pytest.raises(SourceError, match=r"holds x\.csv twice"):
        open_archive(path)


def test_a_zip_that_claims_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_EXPANDED_BYTES", 1000)
    path = make_zip(tmp_path / "orders.zip", {"a.csv": b"0" * 1001})
    with pytest.raises(SourceError, match="claims to hold 1,001 bytes"):
        open_archive(path)


def test_folders_and_leavings_of_other_systems_in_a_zip_are_passed_over(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "orders.zip", {"olist/": b"", "olist/a.csv": b"1", "__MACOSX/olist/._a.csv": b"2", "olist/.DS_Store": b"3"})
    archive = open_archive(path)
    assert archive.names == ("a.csv",)
    with archive.open("a.csv") as stream:
        assert stream.read() == b"1"


@pytest.mark.parametrize("packed", [True, False])
def test_a_missing_file_is_named_beside_what_was_found(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "data"
    if packed:
        make_zip(path, {"b.csv": b"", "c.csv": b""})
    else:
        path.mkdir()
        (path / "b.csv").touch()
        (path / "c.csv").touch()
    with pytest.raises(SourceError, match=r"^data: no a\.csv in it \(found: b\.csv, c\.csv\); pass the archive as downloaded$"):
        open_archive(path).require(("a.csv", "b.csv"))


def test_a_folder_is_digested_by_the_files_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    archive = open_archive(tmp_path)
    before = archive.digest(("a.csv",))
    (tmp_path / "notes.txt").write_text("mine")
    assert archive.digest(("a.csv",)) == before
    (tmp_path / "a.csv").write_text("2")
    assert archive.digest(("a.csv",)) != before


def test_a_link_in_a_zip_is_read_as_its_text_and_never_followed(tmp_path: Path) -> None:
    path = tmp_path / "orders.zip"
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(link, "/etc/hostname")
    with open_archive(path).open("a.csv") as stream:
        assert stream.read() == b"/etc/hostname"
