"""What names the files of ``observed`` and ``truth``: a file that no manifest names is not there."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tradewind_contracts.errors import SourceError
from tradewind_contracts.files import write_text

NAME = "manifest.json"
FORMAT = 1


class FileEntry(BaseModel):
    """One Parquet file: its table, the day that it is of (ISO), its path below the manifest's folder, rows, SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    day: str
    path: str
    rows: int
    digest: str


class FolderManifest(BaseModel):
    """All files of a folder, in order of day and table, and the marketplace that they are of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    name: str
    country: str
    currency: str
    zone: str
    first_day: str
    newest_day: str
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
            SourceError: there is none, or it is not one of a simulated world.
        """
        path = folder / NAME
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise SourceError(f"{path}: not there; expected a folder that `tradewind simulate --out` wrote") from error
        except (ValidationError, ValueError) as error:
            raise SourceError(f"{path}: not the manifest of a simulated world ({str(error).splitlines()[0]})") from error

    def of(self, table: str) -> Sequence[FileEntry]:
        """The files of ``table``, in order of day."""
        return [file for file in self.files if file.table == table]
