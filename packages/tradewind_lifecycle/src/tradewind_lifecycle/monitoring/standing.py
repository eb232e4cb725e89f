"""What the newest watch of a world says, small and light: what a sensor reads on each tick."""

import datetime as dt
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings


class Proposal(BaseModel):
    """A shift that goes on: since which local date, which monitors, and the reason in words. ``key`` names the shift."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    since: str
    monitors: tuple[str, ...]
    reason: str

    @property
    def key(self) -> str:
        """The name of the shift: the version that it befell, and since when."""
        return f"{self.version}, since {self.since}"


class Standing(BaseModel):
    """The newest watch in short. ``skipped`` says why there was nothing to judge; empty where there was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    champion: str
    made_at: dt.datetime
    skipped: str = ""
    proposal: Proposal | None = None


def standing_path(settings: Settings, family: str) -> Path:
    """Where the world keeps it."""
    return settings.paths.monitoring / f"{family}.json"


def write_standing(standing: Standing, settings: Settings, family: str) -> Path:
    """Keep it, in place of the one before; its path."""
    path = standing_path(settings, family)
    write_text(path, standing.model_dump_json(indent=1) + "\n")
    return path


def read_standing(settings: Settings, family: str) -> Standing | None:
    """The newest one; None where the world was never watched.

    Raises:
        IntegrityError: the file is damaged.
    """
    path = standing_path(settings, family)
    try:
        return Standing.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, ValueError) as error:
        raise IntegrityError(f"{path}: not the standing of a watch; `tradewind monitor {family}` writes it anew") from error
