"""The same answer by a DuckDB query that somebody who knows the data and the engine would write by hand; what the store is held against.

Visible time is the later of event and created. In its order, the rows that raise the running maximum of (event, created) are all that
anybody can see, and of several with one visible time the last: then ASOF needs its one inequality. Keys become small integers, times
integers, and only those and the row's place in the file go through window and join; the columns are fetched once, by place. Exact
ties are looked for among winners only: the greatest values win, by the columns in the order of their names.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from tests.benchmarks.joined_worlds import World

ENTITIES = """
    create temp table key_numbers as
    select merchant_id, (row_number() over ())::integer as key from (select distinct merchant_id from entities where merchant_id is not null);

    create temp table asked as
    select entities.row::integer as row, key, epoch_us(event_timestamp) as instant from entities join key_numbers using (merchant_id);
"""
WINNERS = """
    create or replace temp table winners as
    with seen as (
        select key, epoch_us(event_timestamp) as event, epoch_us(created_timestamp) as created, greatest(event, created) as visible,
            {place} as place
        from {files} join key_numbers using (merchant_id)
        where created_timestamp <= make_timestamptz({newest}) and event_timestamp between make_timestamptz({oldest}) and make_timestamptz({newest})
    ),
    raising as (
        select key, event, visible, place, event = lag(event) over upwards and created = lag(created) over upwards as is_tied
        from seen
        window upwards as (partition by key order by visible, event, created rows between unbounded preceding and current row)
        qualify event = max(event) over upwards and visible is distinct from lead(visible) over upwards
    )
    select row, place, is_tied from asked asof join raising on asked.key = raising.key and asked.instant >= raising.visible
    where event >= instant - {ttl}
"""
TIED_PLACES = """
    create or replace temp table untied as
    with tied as (select distinct place from winners where is_tied),
    of_ties as (
        select tied.place, merchant_id, event_timestamp, created_timestamp from tied join {files} on tied.place = {place}
    )
    select of_ties.place, {place} as winner
    from of_ties join {files} as files using (merchant_id, event_timestamp, created_timestamp)
    qualify row_number() over (partition by of_ties.place order by {by_values}) = 1;

    update winners set place = untied.winner from untied where winners.place = untied.place;
"""
ANSWER = """
    select {columns} from (select entities.row::integer as row, place from entities left join winners using (row))
    left join {files} on place = {place}
    order by row
"""
STREAMED = """
    copy (
        select entities.*, {columns} from entities left join (select row, {columns} from winners join {files} on place = {place}) using (row)
        order by entities.row
    ) to '{answer}' (compression zstd)
"""
_FOREVER_US = 2**61


def prepare(world: World, folder: Path) -> Callable[[pd.DataFrame], pa.Table]:
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'; set enable_progress_bar = false")
    return lambda entities: _join(connection, world, entities)


def join_to_parquet(world: World, answer: Path, memory_limit: str, spill: Path) -> None:
    """All entity rows of a world of one view with their features into a Parquet file, within DuckDB's memory limit."""
    with duckdb.connect(config={"memory_limit": memory_limit, "temp_directory": str(spill)}) as connection:
        # Rows are ordered by what the query says alone: keeping the order of files as well takes memory.
        connection.execute("set timezone = 'UTC'; set enable_progress_bar = false; set preserve_insertion_order = false")
        connection.execute(f"create view entities as from read_parquet('{world.folder / 'entities.parquet'}')")
        for names in _winners(connection, world):
            connection.execute(STREAMED.format(**names, answer=answer))


def _join(connection: duckdb.DuckDBPyConnection, world: World, entities: pd.DataFrame) -> pa.Table:
    connection.register("entities", entities)
    answer = pa.Table.from_pandas(entities, preserve_index=False)
    for names in _winners(connection, world):
        # A relation collects Arrow in parallel, execute() converts in one thread.
        fetched = connection.sql(ANSWER.format(**names)).to_arrow_table()
        for name in fetched.column_names:
            answer = answer.append_column(name, fetched[name])
    return answer


def _winners(connection: duckdb.DuckDBPyConnection, world: World) -> Iterator[dict[str, str]]:
    """Make the table `winners` of one view after another; what the SQL that fetches its features has to be told."""
    connection.execute(f"drop table if exists asked; drop table if exists key_numbers; {ENTITIES}")
    oldest, newest = connection.execute("select coalesce(min(instant), 0), coalesce(max(instant), 0) from asked").fetchone() or (0, 0)
    ttl = world.shape.ttl_days * 86_400_000_000 or _FOREVER_US
    for view, features in world.views.items():
        names = {
            "files": f"read_parquet('{world.files(view)}', hive_partitioning = false)",
            "place": "(file_index * 4294967296 + file_row_number)" if world.shape.by_day else "file_row_number",
            "columns": ", ".join(features),
            "by_values": ", ".join(f"{name} desc nulls last" for name in sorted(features)),
            "oldest": str(max(oldest - ttl, 0)),
            "newest": str(newest),
            "ttl": str(ttl),
        }
        connection.execute(WINNERS.format(**names))
        if connection.execute("select bool_or(is_tied) from winners").fetchone() == (True,):
            connection.execute(TIED_PLACES.format(**names))
        yield names
