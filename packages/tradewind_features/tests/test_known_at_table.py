"""The two tables under "Known at" in the package's README are true: the rows there give the values there, by default and without known-at."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small_repository as small
from feast import FeatureStore

README = Path(__file__).resolve().parents[1] / "README.md"


def table(header: str) -> list[list[str]]:
    """The cells of the README's table with this header, row by row."""
    lines = README.read_text(encoding="utf-8").splitlines()
    first = lines.index(header) + 2
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(("column", "offline"), [("Feast's default", {"known_at": False}), ("here", {}), ("Feast's default", None)])
def test_the_readmes_rows_give_the_readmes_values(
    make_repository: Callable[..., FeatureStore], column: str, offline: dict[str, Any] | None
) -> None:
    settings = small.FEASTS if offline is None else small.OURS | {"offline_store": small.OURS["offline_store"] | offline}
    store = make_repository(settings=settings)
    rows = table("| event | created | pace | |")
    known = pa.table(
        {
            "courier_id": pa.array(["ana"] * len(rows)),
            "event_timestamp": pa.array([instant(row[0]) for row in rows], small.STAMP),
            "created_timestamp": pa.array([instant(row[1]) for row in rows], small.STAMP),
            "pace": pa.array([float(row[2]) for row in rows]),
            "trips": pa.array([1] * len(rows)),
            "grade": pa.array(["A"] * len(rows)),
            "is_new": pa.array([False] * len(rows)),
        }
    )
    pq.write_table(known, Path(store.repo_path) / "data" / "courier_pace.parquet")
    asked = table("| at | Feast's default | here | since |")
    place = {"Feast's default": 1, "here": 2}[column]
    frame = pd.DataFrame({"courier_id": "ana", "event_timestamp": [instant(row[0]) for row in asked]})
    found = store.get_historical_features(frame, ["courier_pace:pace"]).to_df().sort_values("event_timestamp")["pace"].tolist()
    assert [None if value != value else value for value in found] == [None if row[place] == "null" else float(row[place]) for row in asked]
    assert len(asked) == 5
