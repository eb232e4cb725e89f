"""Files never tell the future: what a declaration says is known with an instant is null in every file before that instant."""

import datetime as dt
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tiny_world import DAYS, tiny

from tradewind_contracts.tables import ALWAYS, NEVER, TABLES, Column, Table
from tradewind_simulator import simulate
from tradewind_simulator.manifests import FolderManifest

DATED = [name for name, table in TABLES.items() if table.known_at not in (ALWAYS, NEVER)]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean") / "world"
    simulate(tiny(dirt={"rate": 0.0}), out)
    return out


def known_with(table: Table, column: Column) -> str:
    """The instant that makes a column known, where it isn't known with the whole row."""
    known_at = column.known_at or ""
    return known_at if known_at not in (ALWAYS, NEVER, table.known_at) else ""


def rows_by_day(world: Path, name: str) -> list[tuple[dt.datetime, pa.Table]]:
    """Each file's rows with the instant at which its day ends."""
    found = []
    for file in FolderManifest.read(world / "observed").of(name):
        end = dt.datetime.fromisoformat(file.day).replace(tzinfo=dt.UTC) + dt.timedelta(days=1)
        found.append((end, pq.read_table(world / "observed" / file.path)))
    return found


@pytest.mark.parametrize("name", DATED)
def test_no_file_holds_what_is_known_only_after_its_day(clean: Path, name: str) -> None:
    table = TABLES[name]
    seen: dict[str, int] = defaultdict(int)
    for end, rows in rows_by_day(clean, name):
        until = pa.scalar(end, pa.timestamp("us", "UTC"))
        # A merchant or product may stand there before its first sale, which its row is declared to be known with.
        assert pc.all(pc.less(rows[table.known_at], until)).as_py() is not False, end
        seen[table.known_at] += rows.num_rows
        for column in table.columns:
            instant = known_with(table, column)
            if not instant:
                continue
            is_known = pc.fill_null(pc.less(rows[instant], until), False)
            is_told = pc.is_valid(rows[column.name])
            wrong = rows.filter(pc.and_(is_told, pc.invert(is_known)))
            assert wrong.num_rows == 0, (column.name, instant, end, wrong.slice(0, 1).to_pylist())
            seen[column.name] += pc.sum(is_told).as_py() or 0
    assert seen, "the table's columns are looked at"


@pytest.mark.parametrize("name", [name for name in DATED if TABLES[name].milestones])
def test_a_milestone_that_is_told_stays_as_it_was_told(clean: Path, name: str) -> None:
    table = TABLES[name]
    moving = {column.name for column in table.columns if column.known_at == "last_ordered_at"}
    told: dict[tuple[tuple[object, ...], str], object] = {}
    for _, rows in rows_by_day(clean, name):
        for row in rows.to_pylist():
            key = tuple(row[part] for part in table.key)
            for milestone in set(table.milestones) - moving:
                before = told.get((key, milestone))
                assert before is None or row[milestone] == before, (key, milestone)
                if row[milestone] is not None:
                    told[key, milestone] = row[milestone]
    assert told
    assert DAYS > 30
