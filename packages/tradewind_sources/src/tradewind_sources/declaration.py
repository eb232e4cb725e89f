"""How a source's file is declared: its columns as the source names them, and what may stand in them."""

import enum
from dataclasses import dataclass


class Form(enum.Enum):
    """How the text of a source's column is read."""

    TEXT = "text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    MONEY = "an amount of money"
    LOCAL_INSTANT = "a local date and time such as 2018-04-01 12:00:00, or a date"
    POSTAL_PREFIX = "a postal prefix of five digits"
    PRESENCE = "any text"
    """Only whether there is text is kept: the text itself is personal and never leaves the source."""


@dataclass(frozen=True)
class SourceColumn:
    """One column that is read. Rows that break what it declares are quarantined with a reason that names it.

    ``plan``: an instant that speaks of the future (a promise, a limit), so that it may lie after the clock.
    """

    name: str
    form: Form = Form.TEXT
    required: bool = False
    least: float | None = None
    greatest: float | None = None
    allowed: tuple[str, ...] = ()
    plan: bool = False


@dataclass(frozen=True)
class SourceFile:
    """One CSV file: its name, its short name in SQL (``alias``), its columns and the key that no two rows may share."""

    name: str
    alias: str
    columns: tuple[SourceColumn, ...]
    key: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = {column.name for column in self.columns}
        unknown = [name for name in self.key if name not in known]
        if unknown:
            raise ValueError(f"{self.name}: no such column: {', '.join(unknown)}")

    @property
    def kept(self) -> tuple[SourceColumn, ...]:
        """The columns whose text may be shown in the quarantine: all but those kept as presence only."""
        return tuple(column for column in self.columns if column.form is not Form.PRESENCE)
