"""Entries of the bundle store that no version names: how old they are, and away with them. For `tradewind doctor`."""

import contextlib
import datetime as dt
import shutil
import uuid
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tradewind_contracts.errors import StateError
from tradewind_registry.bundles import BundleStore, check_entry


def newest_write(bundle_store_url: str, entry: str) -> dt.datetime | None:
    """When anything of the store's ``entry`` was written last (UTC); None where the store can't say, or the entry is gone.

    Raises:
        StateError: the store is out of reach.
    """
    local = _local(bundle_store_url, entry)
    return newest_change(local) if local is not None else _newest_remote(bundle_store_url, entry.partition(".")[0])


def newest_change(path: Path) -> dt.datetime | None:
    """When anything at or below a local ``path`` was written last (UTC); None where it is gone."""
    instants = []
    for found in (path, *(path.rglob("*") if path.is_dir() else ())):
        with contextlib.suppress(FileNotFoundError):
            instants.append(found.stat().st_mtime)
    return dt.datetime.fromtimestamp(max(instants), dt.UTC) if instants else None


def delete_entry(store: BundleStore, bundle_store_url: str, entry: str, *, older_than: dt.datetime) -> bool:
    """Delete ``entry`` of the store if nothing of it was written since ``older_than``; whether it was.

    A local one is moved aside first and its age asked again, so that who registers the same bundle at this moment either finds it whole
    in its place, or writes it anew.

    Raises:
        StateError: the store refuses, or is out of reach.
    """
    written = newest_write(bundle_store_url, entry)
    if written is None or written >= older_than:
        return False
    local = _local(bundle_store_url, check_entry(entry))
    if local is None:
        store.discard(entry)
        return True
    try:
        return _moved_away(local, older_than)
    except OSError as error:
        raise StateError(f"{local}: can't be deleted ({error.strerror or error})") from error


def _moved_away(path: Path, older_than: dt.datetime) -> bool:
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.damaged")
    path.rename(aside)
    written = newest_change(aside)
    if written is not None and written >= older_than and not path.exists():
        aside.rename(path)
        return False
    if aside.is_dir():
        shutil.rmtree(aside)
    else:
        aside.unlink()
    return True


def _local(bundle_store_url: str, entry: str) -> Path | None:
    if not bundle_store_url.startswith("file:"):
        return None
    return Path(url2pathname(urlsplit(bundle_store_url).path)) / entry


def _newest_remote(bundle_store_url: str, entry: str) -> dt.datetime | None:
    import fsspec

    try:
        files, root = fsspec.core.url_to_fs(bundle_store_url)
        files.invalidate_cache()
        place = f"{str(root).rstrip('/')}/{entry}"
        found = [files.modified(name) for at in (place, f"{place}.json") if files.exists(at) for name in files.find(at)]
    except NotImplementedError:
        return None
    except Exception as error:  # each store has exceptions of its own, not all of them OSError
        raise StateError(f"bundle store {bundle_store_url}: {entry} can't be read ({error})") from error
    return max((_zoned(instant) for instant in found), default=None)


def _zoned(instant: dt.datetime) -> dt.datetime:
    return instant.astimezone(dt.UTC) if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
