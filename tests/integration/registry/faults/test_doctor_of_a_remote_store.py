"""`tradewind doctor` where bundles and journal stand behind fsspec: it looks at the store's own bytes, not at the local copy."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.doctor import diagnose, mend
from tradewind_registry import Registry, VersionDraft
from tradewind_registry.bundles import bundle_store

WORLD_CHECKS = {"features", "training sets", "bento", "service"}
"""What a registry without a world around it always lacks."""


@pytest.fixture
def remote_settings(own_settings: Settings) -> Iterator[Settings]:
    """A bundle store in memory, emptied afterwards."""
    place = f"memory://{own_settings.paths.home.as_posix()}/store"
    yield own_settings.model_copy(update={"bundle_url": place})
    fsspec.filesystem("memory").rm(own_settings.paths.home.as_posix(), recursive=True)


@pytest.fixture
def served(
    remote_settings: Settings, draft: Callable[..., VersionDraft], bundle: Callable[..., Path], verdict: Callable[..., Verdict]
) -> Iterator[Registry]:
    """eta@1, the champion."""
    with Registry.open(remote_settings) as registry:
        version = registry.register(draft("inputs 1"), bundle("tree 1"))
        registry.record_verdicts("eta", 1, [verdict(gate) for gate in version.gates])
        registry.promote("eta", 1, why="first", who="ann")
        yield registry


def _found(settings: Settings) -> list[str]:
    return [finding.check for finding in diagnose(settings, who="ann").findings if finding.check not in WORLD_CHECKS]


def test_a_bundle_that_was_changed_in_the_store_is_found_behind_a_whole_local_copy_and_mended_from_it(
    served: Registry, remote_settings: Settings
) -> None:
    version = served.resolve("eta@champion")
    assert served.open_bundle(version).is_dir()
    assert _found(remote_settings) == []
    files, root = fsspec.core.url_to_fs(remote_settings.bundle_url)
    files.pipe_file(f"{root}/{version.bundle_digest}/model.txt", b"tree !")
    assert _found(remote_settings) == ["bundles"]
    mended = mend(remote_settings, who="ann")
    assert mended.refused == ()
    assert _found(remote_settings) == []


def test_only_old_orphans_of_the_store_are_deleted(served: Registry, remote_settings: Settings, bundle: Callable[..., Path]) -> None:
    orphan, _ = bundle_store(remote_settings.bundle_url, remote_settings.paths.bundles).put(bundle("nobody's"))
    assert served.orphans() == [orphan]
    assert _found(remote_settings) == [], "it may be on its way to a version"
    files, root = fsspec.core.url_to_fs(remote_settings.bundle_url)
    for name, file in files.store.items():
        if name.startswith(f"{root}/{orphan}"):
            file.modified -= dt.timedelta(hours=2)
    assert _found(remote_settings) == ["orphans"]
    assert mend(remote_settings, who="ann").refused == ()
    assert served.orphans() == []
    assert _found(remote_settings) == []
