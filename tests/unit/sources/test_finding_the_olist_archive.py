"""What a person may pass as the Olist data."""

from pathlib import Path

import olist_archive as made
import pytest

from tradewind_contracts.errors import SourceError
from tradewind_sources.olist.archive import digest, find

COMMERCE = [name for name in made.HEADERS if name not in made.FUNNEL_FILES]


def empty_files(folder: Path, names: list[str], *, packed: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    texts = {name: made.csv_text(made.HEADERS[name], []) for name in names}
    if packed:
        made.write_zip(folder / packed, texts)
    for name, text in texts.items() if not packed else ():
        (folder / name).write_text(text)
    return folder


def found(data: Path) -> list[str]:
    return [archive.label for archive in find(data)]


def test_a_folder_with_both_zips(tmp_path: Path) -> None:
    empty_files(tmp_path, COMMERCE, packed=made.COMMERCE_ZIP)
    empty_files(tmp_path, list(made.FUNNEL_FILES), packed=made.FUNNEL_ZIP)
    assert found(tmp_path) == [made.COMMERCE_ZIP, made.FUNNEL_ZIP]


def test_one_zip_and_the_funnel_beside_it(tmp_path: Path) -> None:
    empty_files(tmp_path, COMMERCE, packed="archive.zip")
    assert found(tmp_path / "archive.zip") == ["archive.zip"]
    empty_files(tmp_path, list(made.FUNNEL_FILES), packed=made.FUNNEL_ZIP)
    assert found(tmp_path / "archive.zip") == ["archive.zip", made.FUNNEL_ZIP]


def test_a_folder_of_unpacked_files_with_or_without_the_funnel(tmp_path: Path) -> None:
    folder = empty_files(tmp_path / "data", COMMERCE)
    assert found(folder) == ["data"]
    empty_files(folder, list(made.FUNNEL_FILES))
    assert found(folder) == ["data", "data"]


def test_a_folder_without_the_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SourceError, match=r"neither brazilian-ecommerce\.zip nor olist_orders_dataset\.csv in it \(found: notes\.txt\)"):
        find(tmp_path)


def test_the_funnel_alone_is_the_wrong_archive(tmp_path: Path) -> None:
    empty_files(tmp_path, list(made.FUNNEL_FILES), packed=made.FUNNEL_ZIP)
    with pytest.raises(
        SourceError, match=r"^marketing-funnel-olist\.zip: no olist_orders_dataset\.csv and no .*pass the archive as downloaded"
    ):
        find(tmp_path / made.FUNNEL_ZIP)


def test_half_a_funnel_is_refused_and_not_taken_for_none(tmp_path: Path) -> None:
    empty_files(tmp_path, [*COMMERCE, made.LEADS])
    with pytest.raises(SourceError, match="no olist_closed_deals_dataset"):
        find(tmp_path)


def test_the_digest_tells_a_funnel_from_none(tmp_path: Path) -> None:
    empty_files(tmp_path, COMMERCE, packed=made.COMMERCE_ZIP)
    without = digest(find(tmp_path))
    assert digest(find(tmp_path)) == without
    empty_files(tmp_path, list(made.FUNNEL_FILES), packed=made.FUNNEL_ZIP)
    assert digest(find(tmp_path)) != without
