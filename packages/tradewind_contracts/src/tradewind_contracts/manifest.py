"""Manifests: the only names by which readers find landed and published Parquet.

A file is written under its content's digest, then the manifest that names it is swapped in one rename. A reader that
opened the old manifest still finds the old files.
"""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_contracts.files import write_text

MANIFEST = "manifest.json"

APPENDED_TO = "appended_to"
"""In a landing's facts: the digest of the landing manifest that it extends by later days; absent where everything landed anew."""

CHANGED_SINCE = "changed_since"
"""In a landing's facts, beside ``APPENDED_TO``: for each table that got new or changed rows, the earliest ``changed_at`` among them
(ISO), or null where one of them has none."""


class PublishedTable(BaseModel):
    """One table as Parquet: a file, or a folder with a partition for each day; its path relative to the manifest's folder, digest and rows.

    The digest is of the file's bytes; of a folder, of its days and the digests of their files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    digest: str
    rows: int
    columns: dict[str, str]
    """Name and Arrow type of each column, in order."""
    definition: str = ""
    """Digest of the SQL that made a feature table, layout and comments left out; empty for other tables."""


class Manifest(BaseModel):
    """The tables that are published together, with notes of who wrote them (``facts``: plain JSON values)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    tables: dict[str, PublishedTable]
    facts: dict[str, object] = {}

    @property
    def digest(self) -> str:
        """The digest of what is published: of the tables' names and digests, not of the facts."""
        return digest_json({name: table.digest for name, table in self.tables.items()})

    def table(self, name: str) -> PublishedTable:
        """The entry of the table ``name``.

        Raises:
            NotFoundError: it is not published.
        """
        try:
            return self.tables[name]
        except KeyError as error:
            raise NotFoundError(f"{self.stage}: no table {name!r} is published (there are: {', '.join(sorted(self.tables))})") from error

    def write(self, folder: Path) -> None:
        """Swap the manifest of ``folder`` for this one, in one rename."""
        write_text(folder / MANIFEST, json.dumps(self.model_dump(), indent=2, sort_keys=True) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The present manifest of ``folder``.

        Raises:
            StateError: nothing has been published there.
            IntegrityError: the file is not a manifest.
        """
        path = folder / MANIFEST
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StateError(f"{path}: nothing has been published here yet; `make run` does") from error
        except ValidationError as error:
            raise IntegrityError(f"{path}: not a manifest ({error.errors()[0]['msg']}); run `make run` to publish again") from error
