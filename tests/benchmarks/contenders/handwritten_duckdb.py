"""The same answer by a DuckDB query that somebody who knows the data and the engine would write by hand; what the store is held against.

Visible time is the later of event and created. In its order, the rows that raise the running maximum of (event, created) are all that
anybody can see, and of several with one visible time the last: then ASOF needs its one inequality. Keys become small integers, times
integers, and only those and the row's place in the file go through window and join; the columns are fetched once, by place. Exact
ties are looked for among winners only: the greatest values, in the order of the columns, win.
"""

from collections.abc import Callable
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
    select of_ties.place, arg_max({place}, row({columns})) as winner
    from of_ties join {files} as files using (merchant_id, event_timestamp, created_timestamp)
    group by all;

    update winners set place = untied.winner from untied where winners.place = untied.place;
"""
ANSWER = """
    select {columns} from (select entities.row::integer as row, place from entities left join winners using (row))
    left join {files} on place = {place}
    order by row
"""
_FOREVER_US = 2**61


def prepare(world: World, folder: Path) -> Callable[[pd.DataFrame], pa.Table]:
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'; set enable_progress_bar = false")
    return lambda entities: _join(connection, world, entities)


def _join(connection: duckdb.DuckDBPyConnection, world: World, entities: pd.DataFrame) -> pa.Table:
    connection.register("entities", entities)
    connection.execute(f"drop table if exists asked; drop table if exists key_numbers; {ENTITIES}")
    oldest, newest = connection.execute("select coalesce(min(instant), 0), coalesce(max(instant), 0) from asked").fetchone() or (0, 0)
    ttl = world.shape.ttl_days * 86_400_000_000 or _FOREVER_US
    answer = pa.Table.from_pandas(entities, preserve_index=False)
    for view, features in world.views.items():
        names = {
            "files": f"read_parquet('{world.files(view)}', hive_partitioning = false)",
            "place": "(file_index * 4294967296 + file_row_number)" if world.shape.by_day else "file_row_number",
            "columns": ", ".join(features),
            "oldest": max(oldest - ttl, 0),
            "newest": newest,
            "ttl": ttl,
        }
        connection.execute(WINNERS.format(**names))
        if connection.execute("select bool_or(is_tied) from winners").fetchone() == (True,):
            connection.execute(TIED_PLACES.format(**names))
        # A relation collects Arrow in parallel, execute() converts in one thread.
        fetched = connection.sql(ANSWER.format(**names)).to_arrow_table()
        for name in features:
            answer = answer.append_column(name, fetched[name])
    return answer
