"""Bundles behind fsspec: whole or absent, whatever call of the store fails, and whatever is left of the attempt is listed."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tradewind_contracts.digests import digest_folder, folder_listing
from tradewind_contracts.errors import IntegrityError, StateError, TradewindError
from tradewind_contracts.settings import Settings
from tradewind_registry import Registry, VersionDraft
from tradewind_registry.bundles import LocalBundles
from tradewind_registry.remote_bundles import RemoteBundles

Bundles = Callable[..., Path]
CALLS = ("makedirs", "put_file", "info", "mv", "pipe_file", "exists", "rm", "cat_file", "get_file", "ls")


class Died(BaseException):
    """The process is gone: nothing after it runs."""


class FailingFiles:
    """A file system of which one call, counted, fails; when it dies each later call does too."""

    def __init__(self, files: Any, fails_at: int, error: type[BaseException]) -> None:
        self._files, self._left, self._error = files, fails_at, error
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._files, name)
        return self._counted(found, name) if name in CALLS else found

    def _counted(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            if self.calls == self._left or (self._error is Died and self.calls > self._left):
                self.calls += 1
                if name == "put_file":
                    self._files.pipe_file(args[1], Path(args[0]).read_bytes()[:1])  # a store that shows what it has so far
                raise self._error(f"injected at call {self._left}: {name}")
            self.calls += 1
            return function(*args, **kwargs)

        return run


@pytest.fixture(params=["memory", "files"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store in memory, and one of plain files that shows what is half written."""
    if request.param == "memory":
        yield f"memory://store-{uuid.uuid4().hex}"
    else:
        yield f"local://{tmp_path / 'store'}"


@pytest.fixture
def opened(url: str, tmp_path: Path) -> Callable[..., RemoteBundles]:
    """A store at ``url`` with a cache of its own, as another machine has it; its ``fails_at``-th call fails."""
    count = iter(range(10_000))

    def make(fails_at: int | None = None, error: type[BaseException] = OSError) -> RemoteBundles:
        bundles = RemoteBundles(url, LocalBundles(tmp_path / f"cache-{next(count)}"))
        if fails_at is not None:
            bundles._files = FailingFiles(bundles._files, fails_at, error)
        return bundles

    return make


@pytest.mark.parametrize("error", [OSError, ValueError, Died])
def test_an_upload_that_fails_at_any_call_is_whole_or_listed_as_unfinished_and_the_next_completes_it(
    opened: Callable[..., RemoteBundles], bundle: Bundles, error: type[BaseException]
) -> None:
    failures = 0
    for step in range(200):
        folder = bundle(f"tree {step}")
        failing, digest = opened(step, error), digest_folder(folder)
        try:
            failing.put(folder)
        except (StateError, Died):
            failures += 1
        if digest in opened().names():
            assert digest_folder(opened().open(folder_listing(folder))) == digest, f"step {step}: what shows itself as whole is whole"
        assert opened().put(folder)[0] == digest, "asking again finishes what was begun"
        assert digest in opened().names()
        assert digest_folder(opened().open(folder_listing(folder))) == digest
        if failing._files.calls <= step:
            break
    assert failures >= 15, "the calls were really counted"
    left = [name for name in opened().names() if not name.isalnum()]
    for name in left:
        opened().discard(name)
    assert all(name.isalnum() and len(name) == 64 for name in opened().names())


def test_a_bundle_whose_upload_died_is_not_shown_as_there(opened: Callable[..., RemoteBundles], bundle: Bundles) -> None:
    folder = bundle("tree")
    digest = digest_folder(folder)
    counted = opened(10_000)
    counted.put(folder)
    calls = counted._files.calls
    opened().discard(digest)
    seen = set()
    for step in range(calls):
        with pytest.raises(Died):
            opened(step, Died).put(folder)
        names = opened().names()
        seen |= {name.replace(digest, "<digest>").partition("/")[0] for name in names}
        if digest in names:
            break
        for name in names:
            opened().discard(name)
        assert opened().names() == []
    assert seen == {"uploads", "<digest>.unfinished", "<digest>"}
    assert step >= calls - 4, "nothing but the cleaning comes after the listing"


@pytest.mark.parametrize("damage", ["edited", "lost", "listing lost"])
def test_a_damaged_bundle_is_whole_after_the_same_was_uploaded_again(
    opened: Callable[..., RemoteBundles], bundle: Bundles, damage: str
) -> None:
    folder = bundle("tree")
    bundles = opened()
    digest, listing = bundles.put(folder)
    files, root = bundles._files, bundles._root
    if damage == "edited":
        files.pipe_file(f"{root}/{digest}/model.txt", b"tre3")
    else:
        files.rm(f"{root}/{digest}/model.txt" if damage == "lost" else f"{root}/{digest}.json")
    if damage != "listing lost":
        with pytest.raises(IntegrityError, match=r"model\.txt"):
            opened().open(listing)
    else:
        assert opened().names() == [f"{digest}.unfinished"]
    for step in range(100):
        failing = opened(step, Died)
        try:
            failing.put(folder)
        except Died:
            if digest in opened().names() and damage == "listing lost":
                assert digest_folder(opened().open(listing)) == digest
            continue
        break
    assert digest_folder(opened().open(listing)) == digest
    assert opened().names()[0] == digest


def test_keeping_what_is_there_whole_writes_its_listing_only(
    opened: Callable[..., RemoteBundles], bundle: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bundle("tree")
    opened().put(folder)
    again, written = opened(), []
    pipe_file = again._files.pipe_file
    for name in ("put_file", "mv", "rm"):
        monkeypatch.setattr(again._files, name, None)
    monkeypatch.setattr(again._files, "pipe_file", lambda path, data: (written.append(path), pipe_file(path, data)))
    digest, _ = again.put(folder)
    monkeypatch.undo()
    assert written == [f"{again._root}/{digest}.json"]
    assert opened().put(folder)[0] == digest


def test_a_bundle_that_the_store_cut_short_is_not_kept(
    opened: Callable[..., RemoteBundles], bundle: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles = opened()
    monkeypatch.setattr(bundles._files, "put_file", lambda source, target: bundles._files.pipe_file(target, Path(source).read_bytes()[:-1]))
    with pytest.raises(StateError, match=r"model\.txt has 3 bytes after the upload, expected 4; no version was registered"):
        bundles.put(bundle("tree"))
    assert opened().names() == []


def test_reading_through_failures_gives_a_refusal_and_the_next_time_the_bundle(
    opened: Callable[..., RemoteBundles], bundle: Bundles
) -> None:
    folder = bundle("tree")
    digest, listing = opened().put(folder)
    for step in range(5):
        bundles = opened(step)
        if step < len(listing):
            with pytest.raises(StateError, match="can't fetch"):
                bundles.open(listing)
        assert digest_folder(bundles.open(listing)) == digest


def test_a_version_of_a_store_without_listings_is_served_and_is_no_orphan(
    home: Path, url: str, draft: Callable[..., VersionDraft], bundle: Bundles
) -> None:
    settings = Settings(home=home, world="olist", bundle_url=url)
    with Registry.open(settings) as registry:
        version = registry.register(draft(), bundle())
        remote = RemoteBundles(url, LocalBundles(home / "elsewhere"))
        remote._files.rm(f"{remote._root}/{version.bundle_digest}.json")
        shutil.rmtree(settings.paths.bundles, ignore_errors=True)
        assert digest_folder(registry.open_bundle(version)) == version.bundle_digest
        assert registry.orphans() == []
        assert remote.names() == [f"{version.bundle_digest}.unfinished"]
        assert registry.mend_bundle(version, bundle()) is False


def test_only_orphans_are_discarded(home: Path, url: str, draft: Callable[..., VersionDraft], bundle: Bundles) -> None:
    with Registry.open(Settings(home=home, world="olist", bundle_url=url)) as registry:
        version = registry.register(draft(), bundle("tree"))
        orphan, _ = registry._bundles.put(bundle("never registered"))
        assert registry.orphans() == [orphan]
        for name in (version.bundle_digest, "journal", "journal/eta", "../store", "uploads/../journal", "", "nothing"):
            with pytest.raises(TradewindError, match="nothing was deleted"):
                registry.discard(name)
        for name in ("journal", "../store", "uploads/../journal", ""):
            with pytest.raises(StateError, match="no entry of the bundle store"):
                registry._bundles.discard(name)
        registry.discard(orphan)
        assert registry.orphans() == []
        registry.open_bundle(version)
