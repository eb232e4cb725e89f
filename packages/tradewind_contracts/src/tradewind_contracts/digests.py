"""Digests: how Tradewind names bytes, folders and specs by what they hold. SHA-256, in hexadecimal."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def digest_bytes(data: bytes) -> str:
    """The digest of ``data``."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """The digest of a file's bytes, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes.

    Raises:
        TypeError: ``value`` holds something that JSON has no form for.
        ValueError: ``value`` holds NaN or an infinity.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest_json(value: Any) -> str:
    """The digest of a JSON value, whatever the order of its keys."""
    return digest_bytes(canonical_json(value))


def folder_listing(folder: Path) -> dict[str, str]:
    """Each file below ``folder``: its relative POSIX path and digest, in order of path."""
    return dict(_listed(folder))


def digest_folder(folder: Path) -> str:
    """The digest of a folder: of its listing, so of the names and bytes of all files in it."""
    return digest_json(folder_listing(folder))


def _listed(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        yield path.relative_to(folder).as_posix(), digest_file(path)
