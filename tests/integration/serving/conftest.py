"""A home with two versions of a real bundle, and the service over it: as a class, in process, and built."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import serving_world

from tradewind_contracts import settings as settings_module
from tradewind_contracts.settings import Settings, use


@dataclass(frozen=True)
class Home:
    """A home folder with champion @1, and @2 that no alias names."""

    settings: Settings
    first: Any
    second: Any


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two bundles that answer differently."""
    folder = tmp_path_factory.mktemp("bundles")
    for number in (1, 2):
        serving_world.write_bundle(folder / str(number), seed=number)
    return folder / "1", folder / "2"


@pytest.fixture(scope="session")
def make_home(bundles: tuple[Path, Path]) -> Callable[[Path], Home]:
    """Makes a home in a folder."""
    return lambda folder: _home(folder, bundles)


def _home(folder: Path, bundles: tuple[Path, Path]) -> Home:
    settings = Settings(home=folder, source="olist", threads=1)
    serving_world.write_world(settings)
    serving_world.write_online_store(settings.paths.online_store)
    first = serving_world.register(settings, bundles[0], "one")
    second = serving_world.register(settings, bundles[1], "two", promote=False)
    return Home(settings, first, second)


@pytest.fixture
def served_home(tmp_path: Path, make_home: Callable[[Path], Home]) -> Home:
    """A home of the test's own."""
    return make_home(tmp_path / "home")


@pytest.fixture
def eta(served_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The service's class over that home, anonymous on loopback, not yet started."""
    monkeypatch.setattr(settings_module, "_present", None)
    use(home=served_home.settings.home, source="olist", allow_anonymous=True)
    from services.eta.service import Eta

    return Eta
