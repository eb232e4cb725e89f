"""A source of a test's own: rows written as files by day, a view over them, and what the online store holds of them."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, Int64, String

from tradewind_features.online.reader import OnlineReader, Presence

UTC = dt.UTC
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
START = dt.datetime(2024, 3, 1, tzinfo=UTC)
STAMP = pa.timestamp("us", tz="UTC")

Row = tuple[str | None, float, float, float | None, str | None]
"""Key, event and created time in hours after START, pace, grade."""
Answer = tuple[dt.datetime, dt.datetime, float | str | None, str | None]
"""Event, created, pace, grade; ``expired`` in place of values past their ttl."""


def at(hours: float) -> dt.datetime:
    """An instant, in hours after START."""
    return START + dt.timedelta(hours=hours)


def table(rows: Iterable[Row]) -> pa.Table:
    """Rows in the form of the source."""
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return pa.table(
        {
            "courier_id": pa.array(columns[0], pa.string()),
            "event_timestamp": pa.array([at(hours) for hours in columns[1]], STAMP),
            "created_timestamp": pa.array([at(hours) for hours in columns[2]], STAMP),
            "pace": pa.array(columns[3], pa.float64()),
            "grade": pa.array(columns[4], pa.string()),
        }
    )


@dataclass(frozen=True)
class Ground:
    """A source below ``folder``, a view over it and the configuration of an online store beside it."""

    folder: Path
    view: FeatureView
    config: RepoConfig

    @property
    def rows_at(self) -> Path:
        """Where the source's files are."""
        return self.folder / "courier_pace"

    def write(self, name: str, rows: Iterable[Row]) -> Path:
        """A file of the source, in place of one of the same name; names such as ``event_date=2024-03-01/part``."""
        path = self.rows_at / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}")
        pq.write_table(table(rows), partial)
        partial.replace(path)
        return path

    def write_days(self, rows: Iterable[Row]) -> None:
        """Rows as daily partitions."""
        days: dict[str, list[Row]] = {}
        for row in rows:
            days.setdefault(f"event_date={at(row[1]).date()}/part", []).append(row)
        for name, found in days.items():
            self.write(name, found)

    def held(self, keys: Iterable[str], now: dt.datetime) -> dict[str, Answer]:
        """What the store answers at ``now``, by key; absent entities are left out."""
        wanted = list(keys)
        reader = OnlineReader(self.folder / "online.db")
        found = reader.read(self.view.name, wanted, now)
        reader.close()
        answers: dict[str, Answer] = {}
        for place, key in enumerate(wanted):
            if found.presence[place] == Presence.ABSENT:
                continue
            stamps = (found.event_at[place].item().replace(tzinfo=UTC), found.created_at[place].item().replace(tzinfo=UTC))
            pace = found.values["pace"][place]
            values = (None if pace != pace else float(pace), found.values["grade"][place])
            answers[key] = (*stamps, *(values if found.presence[place] == Presence.PRESENT else ("expired", "expired")))
        return answers


def ground(
    folder: Path, ttl: dt.timedelta = 3 * DAY, frozen_at: dt.datetime | None = None, name: str = "courier_pace", **offline: Any
) -> Ground:
    """A source without files yet, and a view over it; ``offline`` are further settings of the offline store."""
    courier = Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING)
    source = FileSource(
        name=f"{name}_rows",
        path=str(folder / "courier_pace"),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
    )
    fields = [Field(name="courier_id", dtype=String), Field(name="pace", dtype=Float64), Field(name="grade", dtype=String)]
    view = FeatureView(name=name, entities=[courier], ttl=ttl, schema=fields, source=source)
    return Ground(folder, view, config(folder, frozen_at, **offline))


def config(folder: Path, frozen_at: dt.datetime | None = None, **offline: Any) -> RepoConfig:
    """The configuration of a feature store below ``folder``."""
    return RepoConfig(
        project="couriers",
        provider="tradewind_features.provider.TradewindProvider",
        registry=str(folder / "registry.db"),
        offline_store={"type": "duckdb"} | offline,
        online_store={
            "type": "tradewind_features.online.store.PackedSqliteOnlineStore",
            "path": str(folder / "online.db"),
            "materializations": str(folder / "materializations"),
            "frozen_at": frozen_at,
        },
        entity_key_serialization_version=3,
        repo_path=folder,
    )


def int_view(folder: Path, columns: Mapping[str, pa.Array]) -> FeatureView:
    """A view of integer fields over one file with ``columns`` besides key and times."""
    rows = table([("ana", 0, 0, 1.0, "A")]).select(["courier_id", "event_timestamp", "created_timestamp"])
    for name, values in columns.items():
        rows = rows.append_column(name, values)
    pq.write_table(rows, folder / "counts.parquet")
    courier = Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING)
    source = FileSource(
        name="counts", path=str(folder / "counts.parquet"), timestamp_field="event_timestamp", created_timestamp_column="created_timestamp"
    )
    fields = [Field(name="courier_id", dtype=String), *(Field(name=name, dtype=Int64) for name in columns)]
    return FeatureView(name="counts", entities=[courier], schema=fields, source=source)
