"""What a landing did: rows in, rows used, rows refused and oddities kept, by file and by table."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Accounted(_Frozen):
    source_rows: int
    used_rows: int
    quarantined: dict[str, int] = {}

    @model_validator(mode="after")
    def _accounts_for_all_rows(self) -> "_Accounted":
        refused = sum(self.quarantined.values())
        if self.source_rows != self.used_rows + refused:
            raise ValueError(f"{self.source_rows} rows in, but {self.used_rows} used and {refused} quarantined")
        return self


class FileReport(_Accounted):
    """A source's file, or all its files of a table: ``source_rows`` = ``used_rows`` + the sum of ``quarantined`` (by reason)."""


class TableReport(_Accounted):
    """A landing table: rows of what it is made from, rows used of it, rows landed, and flags among the landed rows.

    ``made_from`` is a source's file (or all its files of a table), or the landing table that this one is derived from. Where
    files hold versions of rows, ``used_rows`` counts versions, of which the newest of each key landed: ``used_rows`` -
    ``landed_rows`` is how many were merged into others. A flag counts landed rows; those of ``Workbench.source_flags`` count
    rows of the file that were merged into fewer landed rows.
    """

    made_from: str
    landed_rows: int
    flagged: dict[str, int] = {}


class LandingReport(_Frozen):
    """The result of ``land``. ``reused``: the input was the same, so nothing was written anew.

    ``first_at`` and ``newest_at`` are the first and the newest instant known of orders and parcels; ``as_of`` is where the
    world's clock stands. All are UTC. ``skipped`` gives, for each table that the data can't fill, the reason in one line.
    """

    source: str
    world: str
    as_of: dt.datetime
    first_at: dt.datetime
    newest_at: dt.datetime
    reused: bool
    files: dict[str, FileReport]
    tables: dict[str, TableReport]
    skipped: dict[str, str] = {}
