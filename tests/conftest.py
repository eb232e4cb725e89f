"""Fixtures that every test may use, and the settings that Hypothesis runs under."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tradewind_contracts import settings as settings_module
from tradewind_contracts.settings import Settings

ROOT = Path(__file__).resolve().parents[1]

hypothesis_settings.register_profile(
    "house", deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
hypothesis_settings.load_profile("house")


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's TRADEWIND_ variables, nor settings that another test left."""
    for name in [name for name in os.environ if name.startswith("TRADEWIND_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(settings_module, "_present", None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder."""
    return tmp_path / "home"


@pytest.fixture
def own_settings(home: Path) -> Settings:
    """Settings with an empty home folder of the test's own, two threads, world olist."""
    return Settings(home=home, source="olist", threads=2)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def olist_archive() -> Path:
    """The folder with the public Olist archives; skips where it is absent."""
    folder = ROOT.parent / "shared" / "data" / "olist"
    if not (folder / "brazilian-ecommerce.zip").exists():
        pytest.skip("the public Olist archive is not beside the checkout (shared/data/olist)")
    return folder
