"""What names the files of ``observed`` and ``truth``: a file that no manifest names is not there."""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from tradewind_contracts.errors import SourceError
from tradewind_contracts.files import write_text

NAME = "manifest.json"
FORMAT = 1
OBSERVED = "observed"
"""The folder of a simulated world that holds what a platform would have seen."""


def _day(text: str) -> str:
    try:
        is_canonical = dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        is_canonical = False
    if not is_canonical:
        raise ValueError(f"is of the day {text!r}; expected a date such as 2024-01-31")
    return text


def _inside(path: str) -> str:
    # A manifest may be somebody else's: whoever reads it must not be led out of the folder.
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"names {path!r}, which lies outside of the folder")
    return path


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no such zone: {name!r}") from error
    return name


Day = Annotated[str, AfterValidator(_day)]
"""A date (ISO)."""


class FileEntry(BaseModel):
    """One Parquet file: its table, the day that it is of (ISO), its path below the manifest's folder, rows, SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    day: Day
    path: Annotated[str, AfterValidator(_inside)]
    rows: int
    digest: str


class FolderManifest(BaseModel):
    """All files of a folder, in order of day and table, and the marketplace that they are of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    name: str
    country: str
    currency: str
    zone: Annotated[str, AfterValidator(_zone)]
    first_day: Day
    newest_day: Day
    files: tuple[FileEntry, ...]

    def write(self, folder: Path) -> None:
        """Swap the manifest of ``folder``."""
        head = self.model_dump(exclude={"files"})
        lines = ",\n".join("  " + json.dumps(file.model_dump()) for file in self.files)
        write_text(folder / NAME, json.dumps(head, indent=1)[:-2] + f',\n "files": [\n{lines}\n ]\n}}\n')

    @classmethod
    def read(cls, folder: Path) -> "FolderManifest":
        """The manifest of ``folder``.

        Raises:
            SourceError: there is none, or it is not one of a simulated world: a zone or date that does not exist, a path out of the folder.
        """
        path = folder / NAME
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise SourceError(f"{path}: not there; expected a folder that `tradewind simulate --out` wrote") from error
        except OSError as error:
            raise SourceError(
                f"{path}: can't be read ({error.strerror or error}); expected a folder that `tradewind simulate --out` wrote"
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            named = f"{where}: " if where else ""
            raise SourceError(
                f"{path}: not the manifest of a simulated world ({named}{first['msg'].removeprefix('Value error, ')})"
            ) from error
        except ValueError as error:
            raise SourceError(f"{path}: not the manifest of a simulated world ({error})") from error

    def of(self, table: str) -> Sequence[FileEntry]:
        """The files of ``table``, in order of day."""
        return [file for file in self.files if file.table == table]
