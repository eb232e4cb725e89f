"""Following an alias: proven first, swapped whole, never left for something worse."""

import datetime as dt
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_serving.answers import ServedVersion
from tradewind_serving.following import KINDS, Follower
from tradewind_serving.proving import Sealed, Served


@dataclass(frozen=True)
class Row:
    number: int
    bundle_digest: str
    model: str = "eta"
    world: str = "olist"
    view_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeRegistry:
    """A registry whose alias, reach and bundles a test decides."""

    champion: Row | None = None
    reachable: bool = True
    damaged: set[int] = field(default_factory=set)
    opened: list[int] = field(default_factory=list)
    stored: bool = True
    closed: int = 0
    world: str = "olist"
    expired: list[Any] = field(default_factory=list)

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
        if not self.stored:
            raise StateError("bundle store: connection refused")
        if version.number in self.damaged:
            raise IntegrityError(f"bundle of @{version.number}: a file was changed")
        return Path(str(version.number))

    def expired_overrules(self, at: dt.datetime) -> list[Any]:
        return self.expired

    def close(self) -> None:
        self.closed += 1

    def _reach(self) -> None:
        if not self.reachable:
            raise StateError("registry: connection refused")


def prove(folder: Path, sealed: Sealed) -> Served:
    return Served(sealed.version, predictor=folder, view_specs=sealed.view_specs)  # type: ignore[arg-type]


V1, V2 = Row(1, "a" * 64), Row(2, "b" * 64)
BAKED = (Path("baked"), Sealed(ServedVersion(name="eta", number=1, digest="a" * 64, source="baked"), {"merchant_pace": "e" * 64}))


def follower(registry: FakeRegistry, baked: Any = None, prove: Any = prove, retry_seconds: float = 0.0) -> Follower:
    return Follower("eta@champion", registry.connect, prove, baked, retry_seconds)


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


def test_a_refused_version_is_tried_again_after_a_while_another_at_once() -> None:
    registry = FakeRegistry(V1, damaged={2})
    following = follower(registry, retry_seconds=3600)
    following.start()
    registry.champion = V2
    following.poll()
    following.poll()
    assert (registry.opened, following.current.version.number) == ([1, 2], 1), "a damaged bundle is not fetched at each poll"
    assert following.trouble is not None, "and it is not forgotten between"
    registry.champion = Row(3, "c" * 64)
    following.poll()
    assert (following.current.version.number, following.trouble) == (3, None)
    registry.champion = V1
    following.poll()
    registry.champion, registry.damaged = V2, set()
    following.poll()
    assert (following.current.version.number, following.trouble) == (2, None), "mended and promoted again"


def test_a_mended_version_is_followed_without_another_promotion() -> None:
    registry = FakeRegistry(V1, damaged={2})
    following = follower(registry)
    following.start()
    registry.champion = V2
    following.poll()
    registry.damaged = set()
    following.poll()
    assert (following.current.version.number, following.trouble) == (2, None)


def test_a_version_of_another_world_is_refused_before_it_is_opened() -> None:
    registry = FakeRegistry(V1)
    following = follower(registry)
    following.start()
    registry.champion = Row(2, "b" * 64, world="simulator")
    following.poll()
    assert (registry.opened, following.current.version.number) == ([1], 1)
    assert following.trouble == "eta@2 is of world simulator, this service answers for olist; it is not served"
    with pytest.raises(IntegrityError, match="world simulator"):
        follower(registry, BAKED).start()


def test_with_the_bundles_out_of_reach_the_baked_version_answers_and_later_the_old_one_stays() -> None:
    registry = FakeRegistry(V1, stored=False)
    with pytest.raises(StateError, match=r"bundle store.*no version of this world was baked"):
        follower(registry).start()
    following = follower(registry, BAKED)
    following.start()
    assert (following.current.version.source, following.trouble) == ("baked", "bundle store: connection refused")
    registry.stored = True
    following.poll()
    assert (following.current.version.source, following.trouble) == ("registry", None)
    registry.champion, registry.stored = V2, False
    following.poll()
    assert (following.current.version.number, following.trouble) == (1, "bundle store: connection refused")


def test_whatever_a_family_raises_following_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def stumble(folder: Path, sealed: Sealed) -> Served:
        if sealed.version.number == 2:
            raise RuntimeError("a fault nobody thought of")
        return prove(folder, sealed)

    registry = FakeRegistry(V1)
    following = follower(registry, prove=stumble)
    following.start()
    registry.champion = V2
    following.poll()
    following.poll()
    assert (following.current.version.number, following.trouble) == (1, "RuntimeError: a fault nobody thought of")
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1
    registry.champion = Row(3, "c" * 64)
    following.poll()
    assert (following.current.version.number, following.trouble) == (3, None)


def test_a_registry_that_was_lost_is_connected_anew_and_the_old_connection_given_back() -> None:
    registry = FakeRegistry(V1)
    following = follower(registry)
    following.start()
    registry.reachable = False
    following.poll()
    assert registry.closed == 1
    registry.reachable = True
    following.poll()
    following.stop()
    assert registry.closed == 2


def test_a_poll_that_does_not_come_back_is_told_and_the_version_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    registry, hangs, release = FakeRegistry(V1), threading.Event(), threading.Event()
    following = follower(registry)
    following.start()

    def hang(reference: str) -> Row:
        hangs.set()
        assert release.wait(30)
        return V2

    monkeypatch.setattr(registry, "resolve", hang)
    monkeypatch.setattr("tradewind_serving.following.STALLED_SECONDS", 0.05)
    following.follow(seconds=0.001)
    assert hangs.wait(5)
    deadline = time.monotonic() + 5
    while following.trouble is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert following.trouble is not None
    assert "was last looked at" in following.trouble
    assert following.current.version.number == 1
    release.set()
    while following.current.version.number == 1 and time.monotonic() < deadline:
        time.sleep(0.005)
    following.stop()
    assert (following.current.version.number, following.trouble) == (2, None)


def test_the_trouble_stands_in_the_metrics_by_its_kind() -> None:
    registry = FakeRegistry(V1, damaged={2})
    following = follower(registry)

    def troubles() -> set[str]:
        return {kind for kind in KINDS if REGISTRY.get_sample_value("tradewind_eta_trouble", {"kind": kind})}

    following.start()
    following.poll()
    assert troubles() == set()
    registry.champion = V2
    following.poll()
    assert troubles() == {"integrity"}
    registry.reachable = False
    following.poll()
    assert troubles() == {"unreachable"}
    registry.reachable, registry.champion = True, None
    following.poll()
    assert troubles() == {"not_found"}
    registry.champion = V1
    following.poll()
    assert troubles() == set()


def expired_overrule(world: str = "olist", alias: str = "champion") -> Any:
    said = SimpleNamespace(model="eta", number=1, gate="covers", expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    return SimpleNamespace(world=world, alias=alias, overrule=said)


def test_a_version_on_an_expired_overrule_goes_on_answering_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tradewind_serving.following.OVERRULES_SECONDS", 0.0)
    registry = FakeRegistry(V1, expired=[expired_overrule("simulator"), expired_overrule(alias="challenger")])
    following = follower(registry)
    following.start()
    following.poll()
    assert following.trouble is None, "that of others"
    registry.expired = [expired_overrule()]
    following.poll()
    following.poll()
    assert following.current.version.number == 1
    assert "eta@1 is served on an expired overrule of covers (until 2026-01-01T00:00:00" in str(following.trouble)
    assert REGISTRY.get_sample_value("tradewind_eta_trouble", {"kind": "overrule_expired"}) == 1
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1
    registry.champion, registry.expired = V2, []
    following.poll()
    following.poll()
    assert (following.current.version.number, following.trouble) == (2, None)
    assert REGISTRY.get_sample_value("tradewind_eta_trouble", {"kind": "overrule_expired"}) == 0


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
