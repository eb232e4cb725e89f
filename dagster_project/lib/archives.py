"""Where a source's data comes from: what a person gave, what stands beside the checkout, or what the source makes itself."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_contracts.settings import Settings


def require_data(settings: Settings) -> None:
    """Refuse a run whose source is unknown, or that has neither data nor a source that makes its own.

    Raises:
        NotFoundError: there is no such source.
        SettingsError: there is no data; says how to get it.
    """
    from tradewind_sources import SOURCES

    if settings.source not in SOURCES:
        raise NotFoundError(f"no source {settings.source!r}; there are: {', '.join(sorted(SOURCES))}")
    if settings.data_path is None and _maker(settings.source) is None:
        raise SettingsError(
            f"no data for the source {settings.source!r}: get the archive with `tradewind fetch {settings.source} --to data` "
            f"(pip install kagglehub), then `make run SOURCE={settings.source} DATA=data`"
        )


def data_of(settings: Settings, progress: Callable[[str], None]) -> Path:
    """The zip or folder to land. A source that makes its own data makes it in the home, once.

    Raises:
        NotFoundError: there is no such source.
        SettingsError: there is no data, or it is not where the settings say.
        StateError: it can't be made: the home is full or read-only.
    """
    require_data(settings)
    prepare, data = _maker(settings.source), settings.data_path
    if data is None and prepare is not None:
        return prepare(settings.paths.simulated, progress)
    if data is None or not data.exists():
        raise SettingsError(f"{data}: no such file or folder; pass the source's archive as DATA=<zip or folder>")
    return data


def watched(settings: Settings) -> Path | None:
    """The data whose changes call for a run, or the folder of what was made here; None where there is none yet."""
    data = settings.data_path or settings.paths.simulated
    return data if data.exists() else None


def fingerprint(data: Path) -> str:
    """Names, sizes and times of change of the files: cheap to ask every minute. Landing compares contents.

    A simulated world has thousands of files in folders by table; its manifest, swapped last, stands for them.
    """
    worlds = (path for form in ("observed", "*/observed") for path in data.glob(f"{form}/manifest.json"))
    files = [data] if data.is_file() else [*data.iterdir(), *worlds]
    listing = sorted((path.relative_to(data).as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file())
    return hashlib.sha256(repr(listing).encode()).hexdigest()[:16]


def _maker(source: str) -> Callable[[Path, Callable[[str], None]], Path] | None:
    """How the source makes its own data, if it does."""
    from tradewind_sources import SOURCES

    return SOURCES[source].prepare
