"""Whether two contenders gave the same answer: the same rows, cell by cell."""

from dataclasses import dataclass
from pathlib import Path

import duckdb


@dataclass(frozen=True)
class Comparison:
    """``missing`` rows of the reference that the other lacks, ``more`` rows that it has beyond it, and unequal ``cells`` of the common ones."""

    missing: int
    more: int
    cells: int
    keeps_order: bool

    @property
    def is_same(self) -> bool:
        return (self.missing, self.more, self.cells) == (0, 0, 0)

    def __str__(self) -> str:
        if self.is_same:
            return "same" if self.keeps_order else "same, other order"
        return f"{self.cells:,} cells differ, {self.missing:,} rows missing, {self.more:,} too many"


def compare(reference: Path, other: Path) -> Comparison:
    """Two answers in Parquet with the column ``row``; numbers are equal if they are the same, null equals null."""
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = true")
        theirs = {name for name, *_ in connection.execute(f"describe select * from '{other}'").fetchall()}
        ours = [name for name, *_ in connection.execute(f"describe select * from '{reference}'").fetchall()]
        features = [name for name in ours if name not in {"row", "merchant_id", "event_timestamp"}]
        absent = [name for name in features if name not in theirs]
        if absent:
            raise AssertionError(f"{other}: lacks the columns {absent}")
        unequal = " + ".join(f"(a.{name} is distinct from b.{name})::bigint" for name in features)
        missing, more, cells = connection.execute(
            f"select count(*) filter (b.row is null), count(*) filter (a.row is null),"
            f" coalesce(sum({unequal}) filter (a.row is not null and b.row is not null), 0)"
            f" from '{reference}' a full join '{other}' b on a.row = b.row"
        ).fetchone() or (0, 0, 0)
        order = connection.execute(
            f"select coalesce(bool_and(row = file_row_number), true) from read_parquet('{other}', file_row_number = true)"
        ).fetchone()
    return Comparison(missing, more, int(cells), order == (True,))
