"""How a landing table is declared. GX suites, dbt sources, quarantine rules and docs derive from declarations."""

import enum
import re
from dataclasses import dataclass, field

import pyarrow as pa

from tradewind_contracts.errors import NotFoundError

ALWAYS = "always"
"""Known-at of reference data that was public before the world's first order, such as a postal directory."""

NEVER = "never"
"""Known-at of what a source hands over without saying since when it was so (a status as of the snapshot).

No feature and no label may read such a column."""


class Kind(enum.Enum):
    """The type of a column, with its Arrow and DuckDB forms."""

    STRING = ("string", "varchar")
    INTEGER = ("int64", "bigint")
    NUMBER = ("float64", "double")
    MONEY = ("decimal(12,2)", "decimal(12,2)")
    BOOLEAN = ("bool", "boolean")
    DATE = ("date32", "date")
    INSTANT = ("timestamp[us, tz=UTC]", "timestamptz")
    TEXTS = ("list<string>", "varchar[]")
    NUMBER_BY_NAME = ("map<string, double>", "map(varchar, double)")
    TEXT_BY_NAME = ("map<string, string>", "map(varchar, varchar)")

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of the column in landing files."""
        return _ARROW[self.name]

    @property
    def sql(self) -> str:
        """The DuckDB type of the column."""
        return str(self.value[1])


_ARROW: dict[str, pa.DataType] = {
    "STRING": pa.string(),
    "INTEGER": pa.int64(),
    "NUMBER": pa.float64(),
    "MONEY": pa.decimal128(12, 2),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "INSTANT": pa.timestamp("us", tz="UTC"),
    "TEXTS": pa.list_(pa.string()),
    "NUMBER_BY_NAME": pa.map_(pa.string(), pa.float64()),
    "TEXT_BY_NAME": pa.map_(pa.string(), pa.string()),
}


class PersonalData(enum.Enum):
    """How near a column comes to a natural person."""

    NONE = "none"
    INDIRECT = "indirect"
    DIRECT = "direct"


@dataclass(frozen=True)
class Column:
    """One column of a landing table.

    ``known_at`` names the column whose instant makes this one known, or is ``ALWAYS`` or ``NEVER``; ``None`` takes the
    table's. ``least``/``greatest`` bound numbers, ``allowed`` lists strings; both are quarantine rules.
    """

    name: str
    kind: Kind
    description: str
    nullable: bool = True
    known_at: str | None = None
    personal: PersonalData = PersonalData.NONE
    allowed: tuple[str, ...] = ()
    least: float | None = None
    greatest: float | None = None
    since: int = 1


@dataclass(frozen=True)
class Reference:
    """``column`` holds values of ``table``.``to``; ``mandatory`` ones quarantine the row that breaks them."""

    column: str
    table: str
    to: str
    mandatory: bool = False


CHANGED_AT = Column("changed_at", Kind.INSTANT, "The newest known instant in the row; null where no instant is known.", known_at=ALWAYS)
FLAGS = Column(
    "flags",
    Kind.STRING,
    "Names of the oddities kept in this row, joined by semicolons; empty when there is none. A word about the data, never a feature.",
    nullable=False,
    known_at=NEVER,
)


@dataclass(frozen=True)
class Table:
    """A landing table: its grain, key, columns and references. ``known_at`` is the default for its columns."""

    name: str
    domain: str
    grain: str
    description: str
    key: tuple[str, ...]
    known_at: str
    columns: tuple[Column, ...]
    references: tuple[Reference, ...] = field(default=())
    owner: str = "team-platform"

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        for name in names:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"{self.name}.{name}: column names are lower case with underscores")
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: a column is declared twice")
        unknown = [k for k in self.key if k not in names]
        instants = {ALWAYS, NEVER, *(c.name for c in self.columns if c.kind is Kind.INSTANT)}
        unknown += [c.known_at for c in self.columns if c.known_at and c.known_at not in instants]
        if self.known_at not in instants:
            unknown.append(self.known_at)
        if unknown:
            raise ValueError(f"{self.name}: no such column or instant: {', '.join(unknown)}")

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The declared columns and the two that every landing row carries (``changed_at``, ``flags``)."""
        return (*self.columns, CHANGED_AT, FLAGS)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table's landing file."""
        return pa.schema([pa.field(c.name, c.kind.arrow, nullable=c.nullable) for c in self.all_columns])

    def column(self, name: str) -> Column:
        """The column called ``name``.

        Raises:
            NotFoundError: there is none.
        """
        for column in self.all_columns:
            if column.name == name:
                return column
        raise NotFoundError(f"{self.name} has no column {name!r}")

    def known_at_of(self, name: str) -> str:
        """The instant column (or ``always``, ``never``) that makes the column ``name`` known."""
        return self.column(name).known_at or self.known_at

    @property
    def milestones(self) -> tuple[str, ...]:
        """Instants that are known when they happen (their known-at is themselves): the parts of ``changed_at``."""
        return tuple(c.name for c in self.columns if c.kind is Kind.INSTANT and self.known_at_of(c.name) == c.name)
