"""Following an alias: proven first, swapped whole, never left for something worse."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_serving.answers import ServedVersion
from tradewind_serving.following import Follower
from tradewind_serving.proving import Sealed, Served


@dataclass(frozen=True)
class Row:
    number: int
    bundle_digest: str
    model: str = "eta"
    view_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeRegistry:
    """A registry whose alias, reach and bundles a test decides."""

    champion: Row | None = None
    reachable: bool = True
    damaged: set[int] = field(default_factory=set)
    opened: list[int] = field(default_factory=list)

    def connect(self) -> "FakeRegistry":
        self._reach()
        return self

    def resolve(self, reference: str) -> Row:
        self._reach()
        if self.champion is None:
            raise NotFoundError(f"{reference}: no such alias")
        return self.champion

    def open_bundle(self, version: Row) -> Path:
        self.opened.append(version.number)
        if version.number in self.damaged:
            raise IntegrityError(f"bundle of @{version.number}: a file was changed")
        return Path(str(version.number))

    def _reach(self) -> None:
        if not self.reachable:
            raise StateError("registry: connection refused")


def prove(folder: Path, sealed: Sealed) -> Served:
    return Served(sealed.version, predictor=folder, view_specs=sealed.view_specs)  # type: ignore[arg-type]


V1, V2 = Row(1, "a" * 64), Row(2, "b" * 64)
BAKED = (Path("baked"), Sealed(ServedVersion(name="eta", number=1, digest="a" * 64, source="baked"), {"merchant_pace": "e" * 64}))


def follower(registry: FakeRegistry, baked: Any = None, prove: Any = prove) -> Follower:
    return Follower("eta@champion", registry.connect, prove, baked)


def test_it_starts_with_the_champion_and_follows_it() -> None:
    registry = FakeRegistry(V1)
    following = follower(registry)
    following.start()
    kept = following.current
    registry.champion = V2
    following.poll()
    assert following.current.version.number == 2
    assert kept.version.number == 1, "a request keeps the version it began with"
    following.poll()
    assert registry.opened == [1, 2], "the same version is not opened again"


def test_a_version_brings_the_definitions_of_the_views_that_it_was_trained_on() -> None:
    registry = FakeRegistry(Row(1, "a" * 64, view_specs={"merchant_pace": "d" * 64}))
    following = follower(registry, BAKED)
    following.start()
    assert following.current.view_specs == {"merchant_pace": "d" * 64}
    registry.reachable = False
    baked = follower(registry, BAKED)
    baked.start()
    assert baked.current.view_specs == {"merchant_pace": "e" * 64}


def test_it_refuses_to_start_without_a_champion_even_with_a_baked_version() -> None:
    with pytest.raises(NotFoundError):
        follower(FakeRegistry(None), BAKED).start()


def test_it_refuses_to_start_on_a_damaged_champion_even_with_a_baked_version() -> None:
    with pytest.raises(IntegrityError):
        follower(FakeRegistry(V1, damaged={1}), BAKED).start()


def test_out_of_reach_at_start_the_baked_version_answers_until_the_registry_is_back() -> None:
    registry = FakeRegistry(V1, reachable=False)
    with pytest.raises(StateError, match="no version of this world was baked"):
        follower(registry).start()
    following = follower(registry, BAKED)
    following.start()
    assert following.current.version.source == "baked"
    assert following.trouble is not None
    registry.reachable = True
    following.poll()
    assert following.current.version.source == "registry", "the same version, and answers no longer say baked"
    assert following.trouble is None


def test_a_baked_version_that_does_not_prove_right_is_not_served() -> None:
    def refuse(folder: Path, sealed: Sealed) -> Served:
        raise IntegrityError("digest")

    with pytest.raises(IntegrityError):
        follower(FakeRegistry(reachable=False), BAKED, refuse).start()


def test_a_damaged_version_is_refused_once_loudly_and_the_old_one_stays(caplog: pytest.LogCaptureFixture) -> None:
    registry = FakeRegistry(V1, damaged={2})
    following = follower(registry)
    following.start()
    registry.champion = V2
    for _ in range(3):
        following.poll()
    assert following.current.version.number == 1
    assert following.trouble is not None
    assert "a file was changed" in following.trouble
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1
    registry.champion = V1
    following.poll()
    assert following.trouble is None


@pytest.mark.parametrize("loss", ["reachable", "champion"])
def test_a_registry_that_goes_away_takes_no_version_with_it(loss: str) -> None:
    registry = FakeRegistry(V1)
    following = follower(registry)
    following.start()
    setattr(registry, loss, False if loss == "reachable" else None)
    following.poll()
    assert following.current.version.number == 1
    assert following.trouble is not None
    registry.reachable, registry.champion = True, V2
    following.poll()
    assert (following.current.version.number, following.trouble) == (2, None)


def test_the_background_thread_follows_and_ends() -> None:
    registry = FakeRegistry(V1)
    proven = threading.Event()

    def watched(folder: Path, sealed: Sealed) -> Served:
        if sealed.version.number == 2:
            proven.set()
        return prove(folder, sealed)

    following = follower(registry, prove=watched)
    following.start()
    following.follow(seconds=0.001)
    registry.champion = V2
    assert proven.wait(5)
    following.stop()
    assert following.current.version.number == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "follow eta@champion"]


def test_a_dead_thread_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    following = follower(FakeRegistry(V1))
    following.start()
    dead = threading.Thread(target=lambda: None)
    dead.start()
    dead.join()
    monkeypatch.setattr(following, "_thread", dead)
    assert following.trouble == "eta@champion is no longer followed; restart the service"
