"""``fetch``, with a stand-in for kagglehub: no network."""

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from tradewind_contracts.errors import NotFoundError, SettingsError, SourceError
from tradewind_sources import fetch


@pytest.fixture
def kagglehub(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], str]], None]:
    """Puts a function in the place of ``kagglehub.dataset_download``."""

    def install(download: Callable[[str], str]) -> None:
        module = types.ModuleType("kagglehub")
        module.dataset_download = download  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "kagglehub", module)

    return install


def test_the_files_of_both_archives_are_copied(tmp_path: Path, kagglehub: Callable[[Callable[[str], str]], None]) -> None:
    def download(name: str) -> str:
        folder = tmp_path / "cache" / name
        folder.mkdir(parents=True)
        (folder / f"{name.split('/')[1]}.csv").write_text(name)
        (folder / "README.md").write_text("not data")
        return str(folder)

    kagglehub(download)
    destination = fetch(tmp_path / "data")
    assert sorted(p.name for p in destination.iterdir()) == ["brazilian-ecommerce.csv", "marketing-funnel-olist.csv"]
    assert (destination / "brazilian-ecommerce.csv").read_text() == "olistbr/brazilian-ecommerce"


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(SettingsError, match=r"kagglehub is not installed; install the extra `tradewind-sources\[fetch\]`"):
        fetch(tmp_path / "data")


def test_a_failed_download_is_named(tmp_path: Path, kagglehub: Callable[[Callable[[str], str]], None]) -> None:
    def download(name: str) -> str:
        raise ConnectionError("no route")

    kagglehub(download)
    with pytest.raises(SourceError, match=r"olistbr/brazilian-ecommerce: the download failed \(no route\)"):
        fetch(tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_source_that_is_not_published_can_not_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing to download"):
        fetch(tmp_path, "simulator")
