"""``fetch``: download the public archive through kagglehub, an optional extra."""

import importlib
import shutil
from pathlib import Path

from tradewind_contracts.errors import NotFoundError, SettingsError, SourceError, StateError

DATASETS = {"olist": ("olistbr/brazilian-ecommerce", "olistbr/marketing-funnel-olist")}
"""Names of the published data sets of each source, in kagglehub's form."""


def fetch(destination: Path, source: str = "olist") -> Path:
    """Download the archives of ``source`` and copy their files into the folder ``destination``, which ``land`` then reads.

    Raises:
        SettingsError: kagglehub is not installed.
        SourceError: the download failed.
        StateError: the folder can't be written.
        NotFoundError: the source has nothing to download.
    """
    if source not in DATASETS:
        raise NotFoundError(f"source {source!r} has nothing to download; there are: {', '.join(sorted(DATASETS))}")
    try:
        kagglehub = importlib.import_module("kagglehub")
    except ImportError as error:
        raise SettingsError(
            "fetch: kagglehub is not installed; install the extra `tradewind-sources[fetch]` (pip install kagglehub), "
            "or download the zip by hand and pass DATA=<zip>"
        ) from error
    for name in DATASETS[source]:
        try:
            folder = Path(kagglehub.dataset_download(name))
        except Exception as error:  # kagglehub raises whatever its HTTP library does
            raise SourceError(f"{name}: the download failed ({error}); check the network, or download the zip by hand") from error
        _copy(folder, destination)
    return destination


def _copy(folder: Path, destination: Path) -> None:
    try:
        destination.mkdir(parents=True, exist_ok=True)
        for file in sorted(p for p in folder.rglob("*.csv") if p.is_file()):
            shutil.copy2(file, destination / file.name)
    except OSError as error:
        raise StateError(f"{destination}: can't be written ({error.strerror or error}); make room or mend the rights") from error
