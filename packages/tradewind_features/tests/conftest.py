"""Fixtures of the package's own tests: they need tradewind_features, tradewind_contracts and third parties, nothing else of the workspace.

Run them from anywhere: ``pytest packages/tradewind_features/tests`` at the workspace's root, ``pytest`` in the package's folder.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tradewind_contracts import settings as settings_module

if TYPE_CHECKING:
    from feast import FeatureStore

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))  # fixture modules are imported by their plain names

_BY_DESIGN = (
    "ignore:On demand feature view is an experimental feature:RuntimeWarning",
    "ignore:(Saving|Retrieving) dataset:RuntimeWarning",
    r"ignore:fetch_arrow_table\(\) is deprecated:DeprecationWarning",
)
"""What Feast warns of in its own code whatever one does."""

hypothesis_settings.register_profile(
    "house", deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
hypothesis_settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """The markers that these tests use, for a run outside of the workspace."""
    config.addinivalue_line("markers", "redis: needs a Redis that answers on loopback")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings are errors here, but those that Feast gives by design."""
    for item in items:
        if HERE in item.path.parents:
            for rule in ("error", *_BY_DESIGN):
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's TRADEWIND_ or FEAST_ variables, nor settings that another test left."""
    for name in [name for name in {**os.environ} if name.startswith(("TRADEWIND_", "FEAST_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(settings_module, "_present", None)


@pytest.fixture(scope="session")
def _applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Feast repository on our stores, applied; to be copied."""
    import small_repository

    folder = small_repository.write_repository(tmp_path_factory.mktemp("applied") / "repository", relative=True)
    small_repository.applied(folder)
    return folder


@pytest.fixture
def make_repository(tmp_path: Path, _applied: Path) -> "Callable[..., FeatureStore]":
    """Makes a small Feast repository of the test's own in ``tmp_path / name``, applied; ``settings`` replace ``feature_store.yaml``'s."""
    import small_repository

    def make(name: str = "repository", settings: dict[str, Any] | None = None) -> "FeatureStore":
        if settings is None:
            return small_repository.copied(_applied, tmp_path / name)
        return small_repository.applied(small_repository.write_repository(tmp_path / name, settings))

    return make


@pytest.fixture(scope="session")
def read_only_repository(tmp_path_factory: pytest.TempPathFactory) -> "FeatureStore":
    """A small Feast repository on our stores, applied and materialized up to its clock; tests that change anything make their own."""
    import small_repository

    store = small_repository.applied(small_repository.write_repository(tmp_path_factory.mktemp("ours")))
    store.materialize(small_repository.BEGINNING, small_repository.NOW)
    return store


@pytest.fixture(scope="session")
def reference_repository(tmp_path_factory: pytest.TempPathFactory) -> "FeatureStore":
    """The same repository on Feast's own DuckDB and SQLite stores."""
    import small_repository

    store = small_repository.applied(small_repository.write_repository(tmp_path_factory.mktemp("feasts"), small_repository.FEASTS))
    store.materialize(small_repository.BEGINNING, small_repository.NOW)
    return store
