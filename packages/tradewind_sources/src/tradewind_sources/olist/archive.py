"""Where the Olist files are in what a person passed: zips as downloaded, a folder of them, or a folder of unpacked files."""

from collections.abc import Sequence
from pathlib import Path

from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import SourceError
from tradewind_sources.archives import Archive, FolderArchive, open_archive
from tradewind_sources.declaration import SourceFile
from tradewind_sources.olist.files import COMMERCE, FUNNEL

COMMERCE_ZIP = "brazilian-ecommerce.zip"
FUNNEL_ZIP = "marketing-funnel-olist.zip"


def find(data: Path) -> Sequence[Archive]:
    """The commerce archive in ``data`` and, if it is there, the marketing-funnel archive.

    ``data`` is the commerce zip (the funnel's may lie beside it), or a folder that holds the zips or the unpacked files.

    Raises:
        SourceError: the commerce archive is absent or not what it should be, or the funnel archive is there but broken.
    """
    commerce = open_archive(_zip_in(data) or data)
    commerce.require(_names(COMMERCE))
    funnel = _funnel(data, commerce)
    return (commerce,) if funnel is None else (commerce, funnel)


def digest(archives: Sequence[Archive]) -> str:
    """The digest of what is read of ``archives`` (see ``find``)."""
    wanted = (_names(COMMERCE), _names(FUNNEL))
    return digest_json([archive.digest(names) for archive, names in zip(archives, wanted, strict=False)])


def _zip_in(data: Path) -> Path | None:
    if (data / COMMERCE_ZIP).is_file():
        return data / COMMERCE_ZIP
    if not data.is_dir() or (data / COMMERCE[0].name).exists():
        return None
    found = ", ".join(sorted(p.name for p in data.iterdir())[:12]) or "nothing"
    raise SourceError(f"{data}: neither {COMMERCE_ZIP} nor {COMMERCE[0].name} in it (found: {found}); pass the archive as downloaded")


def _funnel(data: Path, commerce: Archive) -> Archive | None:
    folder = data if data.is_dir() else data.parent
    unpacked = isinstance(commerce, FolderArchive) and any(name in commerce.names for name in _names(FUNNEL))
    if unpacked:
        funnel: Archive = commerce
    elif (folder / FUNNEL_ZIP).is_file():
        funnel = open_archive(folder / FUNNEL_ZIP)
    else:
        return None
    funnel.require(_names(FUNNEL))
    return funnel


def _names(files: tuple[SourceFile, ...]) -> tuple[str, ...]:
    return tuple(file.name for file in files)
