"""What a bundle may hold: files of open formats that are what their suffix says. Never pickle."""

import json
from pathlib import Path, PurePosixPath

from tradewind_contracts.digests import folder_listing
from tradewind_contracts.errors import IntegrityError

OPEN_SUFFIXES = frozenset({".json", ".txt", ".onnx", ".parquet", ".md", ".png", ".csv"})

_MAGIC = {".png": b"\x89PNG\r\n\x1a\n", ".parquet": b"PAR1"}
# Pickle protocols 2 to 5; zip (torch, joblib) and gzip and zlib, in which pickles travel.
_FORBIDDEN_MAGIC = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04", b"\x1f\x8b", b"\x78\x9c")


def listing_of_open_formats(folder: Path) -> dict[str, str]:
    """The listing (relative path → digest) of a bundle in ``folder``, once every file proved to be of an open format.

    Raises:
        IntegrityError: it is empty or absent, or a file is a link, of another suffix, or not what its suffix says.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise IntegrityError(f"{path}: a link; a bundle holds its files itself")
        if path.is_file():
            _check(path)
    listing = folder_listing(folder)
    if not listing:
        raise IntegrityError(f"{folder}: no files; expected a bundle")
    return listing


def check_relative(name: str) -> None:
    """Refuse a name in a listing that would leave the bundle's folder.

    Raises:
        IntegrityError: it is absolute or climbs.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or name != path.as_posix():
        raise IntegrityError(f"{name!r}: a bundle's file stays inside of its folder")


def _check(path: Path) -> None:
    suffix = path.suffix
    if suffix not in OPEN_SUFFIXES:
        allowed = ", ".join(sorted(OPEN_SUFFIXES))
        raise IntegrityError(f"{path}: a bundle holds open formats only ({allowed}); found {suffix or 'no suffix'}")
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(_FORBIDDEN_MAGIC):
        raise IntegrityError(
            f"{path}: looks like pickle or an archive of it (starts with {head[:2].hex()}); a bundle holds open formats only"
        )
    if not _is_what_it_says(path, suffix, head):
        raise IntegrityError(f"{path}: is not {suffix.removeprefix('.')}; a bundle's files are what their suffix says")


def _is_what_it_says(path: Path, suffix: str, head: bytes) -> bool:
    if suffix in _MAGIC:
        return head.startswith(_MAGIC[suffix])
    if suffix == ".onnx":
        return head[:1] == b"\x08"  # field 1 (ir_version) of ModelProto, https://onnx.ai/onnx/repo-docs/IR.html
    try:
        content = path.read_text(encoding="utf-8")
        if suffix == ".json":
            json.loads(content)
    except ValueError:
        return False
    return "\0" not in content
