"""One small world, published, applied and materialized once; tests that change it take a copy."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import feature_world
import pytest

from tradewind_contracts.settings import Settings
from tradewind_lifecycle import feature_store, online_store


@pytest.fixture(scope="session")
def feature_manifest() -> dict[str, Any]:
    """What feature_repo declares."""
    return feature_store.feature_manifest()


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory, feature_manifest: dict[str, Any]) -> Settings:
    """A world with registry and online store; read only."""
    settings = feature_world.land_world(tmp_path_factory.mktemp("features") / "home")
    feature_world.publish(settings, feature_world.feature_tables(feature_manifest))
    feature_store.apply(settings)
    online_store.materialize(settings)
    return settings


@pytest.fixture
def own_world(tmp_path: Path, feature_manifest: dict[str, Any]) -> Callable[[dict[str, Any]], Settings]:
    """Makes a world of the test's own, with some tables replaced, applied and not materialized."""

    def make(changed: dict[str, Any]) -> Settings:
        shutil.rmtree(tmp_path / "home", ignore_errors=True)
        settings = feature_world.land_world(tmp_path / "home")
        feature_world.publish(settings, feature_world.feature_tables(feature_manifest) | changed)
        feature_store.apply(settings)
        return settings

    return make
