"""`tradewind doctor` about what services stand on: features, training set, Bento, who answers, a run that does not end, the disk."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tradewind_contracts.files import sole_holder
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_features.online.backend import ViewSpec, open_backend
from tradewind_features.online.packing import FieldType, PackedSchema
from tradewind_lifecycle.doctor import Finding, Severity, diagnose
from tradewind_registry import Registry, Version, VersionDraft


@pytest.fixture
def champion(
    own_settings: Settings, draft: Callable[..., VersionDraft], bundle: Callable[..., Path], verdict: Callable[..., Verdict]
) -> Version:
    """eta@1, served."""
    with Registry.open(own_settings) as registry:
        version = registry.register(draft(), bundle())
        registry.record_verdicts("eta", 1, [verdict(gate) for gate in version.gates])
        registry.promote("eta", 1, why="first", who="ann")
    return version


def _found(settings: Settings, check: str, clock: Clock | None = None) -> list[Finding]:
    return [finding for finding in diagnose(settings, who="ann", clock=clock).findings if finding.check == check]


def _serves(monkeypatch: pytest.MonkeyPatch, **health: Any) -> None:
    monkeypatch.setattr("tradewind_lifecycle.doctor.served._health", lambda _: health)
    monkeypatch.setattr("tradewind_lifecycle.doctor.served.FOLLOWS_WITHIN_SECONDS", 0.0)


def _answering(digest: str, source: str = "registry") -> dict[str, str | int]:
    return {"name": "eta", "number": 1, "digest": digest, "source": source}


def _online_store(settings: Settings, digests: dict[str, str]) -> None:
    with open_backend(settings.paths.online_store) as store:
        for view, digest in digests.items():
            store.declare(ViewSpec(view, "id", 86_400_000_000, PackedSchema((("value", FieldType.FLOAT64),)), digest))


def test_a_view_that_the_champion_was_trained_on_and_that_is_not_served_is_named(own_settings: Settings, champion: Version) -> None:
    (absent,) = [finding for finding in _found(own_settings, "features") if finding.severity is Severity.CRITICAL]
    assert "no online store" in absent.what
    specs = dict(champion.view_specs)
    _online_store(own_settings, specs | {"merchant_handling_30d": "0" * 64})
    (other,) = [finding for finding in _found(own_settings, "features") if finding.severity is Severity.CRITICAL]
    assert "eta@1 (eta@champion) was trained on definitions of merchant_handling_30d that are not served" in other.what
    _online_store(own_settings, {"merchant_handling_30d_v1": specs["merchant_handling_30d"]})
    assert [finding.severity for finding in _found(own_settings, "features")] == [Severity.WARNING], (
        "kept beside under another name; no Feast"
    )


def test_a_bento_that_carries_another_version_is_told(own_settings: Settings, champion: Version) -> None:
    (finding,) = _found(own_settings, "bento")
    assert finding.what == "there is no Bento"
    baked = own_settings.paths.bentos / "bentos/eta/tag/src/baked"
    baked.mkdir(parents=True)
    own_settings.paths.served_bento.parent.mkdir(parents=True, exist_ok=True)
    own_settings.paths.served_bento.write_text("tag\n")
    (baked / "version.json").write_text(json.dumps({"model": "eta", "number": 9, "digest": "f" * 64}))
    (finding,) = _found(own_settings, "bento")
    assert finding.what == "the Bento eta:tag carries eta@9, the champion is eta@1"
    (baked / "version.json").write_text(json.dumps({"model": "eta", "number": 1, "digest": champion.bundle_digest}))
    assert _found(own_settings, "bento") == []


def test_a_service_that_answers_with_another_version_or_refuses_is_told(
    own_settings: Settings, champion: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serves(monkeypatch, world="olist", model=_answering(champion.bundle_digest))
    assert _found(own_settings, "service") == []
    _serves(monkeypatch, world="olist", model=_answering("f" * 64), refused="eta@1: its bytes are not those")
    (finding,) = _found(own_settings, "service")
    assert "its bytes are not those" in finding.what
    _serves(monkeypatch, world="olist", model=_answering(champion.bundle_digest, "baked"))
    assert len(_found(own_settings, "service")) == 1
    _serves(monkeypatch, world="another", model=_answering("f" * 64))
    assert _found(own_settings, "service") == [], "another world's service is none of ours"


def test_a_training_set_that_is_gone_is_told(own_settings: Settings, champion: Version) -> None:
    (finding,) = _found(own_settings, "training sets")
    assert champion.training_set_digest in finding.where
    assert "--from-landing" in finding.how


def test_a_run_is_told_with_its_process_only_when_it_does_not_end(own_settings: Settings) -> None:
    own_settings.paths.world.mkdir(parents=True)
    with sole_holder(own_settings.paths.world / ".run.lock", "busy"):
        assert _found(own_settings, "run") == []
        tomorrow = Clock.frozen(Clock().now() + dt.timedelta(days=1))
        (finding,) = _found(own_settings, "run", clock=tomorrow)
        assert "kill" in finding.how
    assert _found(own_settings, "run", clock=tomorrow) == [], "the lock ends with its process"


def test_a_disk_that_is_nearly_full_is_told(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    own_settings.paths.home.mkdir(parents=True)
    assert _found(own_settings, "disk") == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(200 * 1024**2))
    (finding,) = _found(own_settings, "disk")
    assert finding.what == "0.2 GB are free, expected 2"
