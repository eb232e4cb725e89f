"""A world: one marketplace with one country, currency, local zone and clock, filled by one source."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tradewind_contracts.errors import StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.instants import Clock


class World(BaseModel):
    """What is true of a whole world; kept in ``world.json`` at its root, written by landing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    country: str
    currency: str
    zone: str
    clock: Clock = Clock()

    def write(self, path: Path) -> None:
        """Write the world to ``path`` atomically."""
        write_text(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> "World":
        """The world in ``path``.

        Raises:
            StateError: the file is absent or not a world.
        """
        try:
            return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise StateError(f"{path}: no world has landed here yet; `make run` fills one") from error
        except (ValidationError, ValueError) as error:
            raise StateError(f"{path}: not a world file ({error}); run `make run` again to write it anew") from error
