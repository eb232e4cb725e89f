"""Bundles behind any fsspec URL. A bundle is there once its listing is: the last file of an upload."""

import contextlib
import logging
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

from tradewind_contracts.digests import canonical_json, digest_bytes, digest_json
from tradewind_contracts.errors import IntegrityError, StateError, TradewindError
from tradewind_registry.bundles import LocalBundles, check_entry
from tradewind_registry.contents import check_relative, listing_of_open_formats
from tradewind_registry.journal.files import JOURNAL_FOLDER

_LOG = logging.getLogger("tradewind.registry.bundles")

_UPLOADS = "uploads"
_UNFINISHED = ".unfinished"
_PATTERNS = frozenset("*?[]")
_LISTING = re.compile(r"([0-9a-f]{64})\.json")


class RemoteBundles:
    """Bundles behind fsspec, read through a verified local copy.

    An object store has no folders and no transaction, so a bundle appears by its last file. Its files are uploaded to
    ``uploads/<id>/`` and moved to ``<digest>/`` one by one; then ``<digest>.json`` is written, the listing whose own digest is that name.
    Whatever stops before leaves ``uploads/<id>`` or a folder without a listing: garbage that ``names`` shows as such, and that the next
    upload of the same content completes.
    """

    def __init__(self, url: str, cache: LocalBundles) -> None:
        import fsspec

        if set(url) & _PATTERNS:
            raise StateError(f"bundle store {url}: expected a place without any of * ? [ ], which fsspec takes for patterns; name another")
        self._url = url
        try:
            self._files, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise StateError(f"bundle store {url}: {error}") from error
        self._root = str(root).rstrip("/")
        self._cache = cache

    def put(self, folder: Path) -> tuple[str, dict[str, str]]:
        """Keep a copy of ``folder``; where the store has it whole, every byte read again, only its listing is written anew.

        Raises:
            IntegrityError: the bundle holds what it may not.
            StateError: the store refuses.
        """
        listing = listing_of_open_formats(folder)
        digest = digest_json(listing)
        with self._refusals(f"can't keep {digest}", "no version was registered"):
            if not self._is_whole(digest, listing):
                self._upload(folder, digest, listing)
        return digest, listing

    def open(self, listing: dict[str, str]) -> Path:
        """A local copy, verified; fetched where there is none, or a damaged one.

        Raises:
            IntegrityError: the store's own copy is not what was sealed.
            StateError: the store is out of reach.
        """
        return self._cache.place(listing, lambda target: self._fetch(listing, target))

    def names(self) -> list[str]:
        """Every entry below the root, but the registry's journal: whole bundles by digest, ``<digest>.unfinished`` and ``uploads/<id>``.

        Raises:
            StateError: the store is out of reach.
        """
        with self._refusals("can't be listed", "nothing was changed"):
            entries = set(self._children(self._root)) - {_UPLOADS, JOURNAL_FOLDER}
            whole = {found[1] for entry in entries if (found := _LISTING.fullmatch(entry))}
            listings = {f"{digest}.json" for digest in whole}
            unfinished = {f"{entry}{_UNFINISHED}" for entry in entries - listings - whole}
            uploads = {f"{_UPLOADS}/{name}" for name in self._children(f"{self._root}/{_UPLOADS}")}
        return sorted(whole | unfinished | uploads)

    def discard(self, name: str) -> None:
        """Delete an entry that ``names`` listed; nothing where it is gone. The listing goes first.

        Raises:
            StateError: the store refuses.
        """
        entry = check_entry(name).removesuffix(_UNFINISHED)
        with self._refusals(f"can't delete {name}", "look again what is there"):
            self._remove(f"{self._root}/{entry}.json")
            self._remove(f"{self._root}/{entry}")

    def _is_whole(self, digest: str, listing: dict[str, str]) -> bool:
        self._files.invalidate_cache()
        try:
            if digest_bytes(self._files.cat_file(self._listing_path(digest))) != digest:
                return False
            # Written anew, which shows its age as now: its row may come only after this, and who tidies up goes by age.
            self._files.pipe_file(self._listing_path(digest), canonical_json(listing))
            return all(digest_bytes(self._files.cat_file(f"{self._root}/{digest}/{name}")) == listing[name] for name in listing)
        except FileNotFoundError:
            return False

    def _upload(self, folder: Path, digest: str, listing: dict[str, str]) -> None:
        staging = f"{self._root}/{_UPLOADS}/{uuid.uuid4().hex}"
        # What is there was found damaged or unfinished: first it says so, then it is replaced.
        self._remove(self._listing_path(digest))
        try:
            for name in listing:
                self._send(folder / name, f"{staging}/{name}")
            for name in listing:
                self._move(f"{staging}/{name}", f"{self._root}/{digest}/{name}")
            self._files.pipe_file(f"{staging}/listing.json", canonical_json(listing))
            self._move(f"{staging}/listing.json", self._listing_path(digest))
        finally:
            self._clear(staging)

    def _send(self, source: Path, target: str) -> None:
        self._files.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        self._files.put_file(str(source), target)
        sent, expected = self._files.info(target)["size"], source.stat().st_size
        if sent != expected:
            raise StateError(f"{self._url}: {target} has {sent} bytes after the upload, expected {expected}; no version was registered")

    def _move(self, source: str, target: str) -> None:
        self._files.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        self._files.mv(source, target)

    def _remove(self, path: str) -> None:
        self._files.invalidate_cache()
        if self._files.exists(path):
            self._files.rm(path, recursive=True)

    def _clear(self, staging: str) -> None:
        try:
            self._remove(staging)
        except Exception as error:  # noqa: BLE001 (of any store; the upload itself stands or fell before, and what stays is listed)
            _LOG.warning("bundle store %s: %s can't be deleted (%s); `orphans` lists it", self._url, staging, error)

    def _children(self, folder: str) -> Iterator[str]:
        self._files.invalidate_cache()
        if self._files.exists(folder):
            for entry in self._files.ls(folder, detail=False):
                yield str(entry).rstrip("/").rsplit("/", 1)[-1]

    def _listing_path(self, digest: str) -> str:
        return f"{self._root}/{digest}.json"

    def _fetch(self, listing: dict[str, str], target: Path) -> None:
        digest = digest_json(listing)
        for name in listing:
            check_relative(name)
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            with self._refusals(f"can't fetch {digest}/{name}", "nothing was changed"):
                try:
                    self._files.get_file(f"{self._root}/{digest}/{name}", str(target / name))
                except FileNotFoundError as error:
                    raise IntegrityError(f"{self._url}/{digest}/{name}: absent; expected sha256 {listing[name]}") from error

    @contextlib.contextmanager
    def _refusals(self, what: str, then: str) -> Iterator[None]:
        try:
            yield
        except TradewindError:
            raise
        except Exception as error:  # each store has exceptions of its own, not all of them OSError
            raise StateError(f"bundle store {self._url}: {what} ({error or type(error).__name__}); {then}") from error
