"""A published day that is gone is told apart from a day without rows."""

import shutil
from pathlib import Path

import pytest

from tradewind_contracts.errors import IntegrityError
from tradewind_lifecycle import partitions


def dataset(folder: Path) -> Path:
    listed = ", ".join(f'"2018-05-0{day}": {{"digest": "d{day}", "rows": 1, "content": "c{day}"}}' for day in (1, 2, 3))
    for day in (1, 2, 3):
        (folder / f"event_date=2018-05-0{day}").mkdir(parents=True)
        (folder / f"event_date=2018-05-0{day}" / "part.parquet").touch()
    (folder / partitions.LISTING).write_text(f"{{{listed}}}")
    return folder


def test_a_published_day_that_is_gone_is_refused_by_folder_and_day(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "ftr_x-0123")
    partitions.refuse_missing_days(folder)
    shutil.rmtree(folder / "event_date=2018-05-02")
    with pytest.raises(IntegrityError, match=r"ftr_x-0123: 1 published days are gone \(2018-05-02 to 2018-05-02\); `make run`"):
        partitions.refuse_missing_days(folder)


def test_what_has_no_listing_of_days_passes(tmp_path: Path) -> None:
    partitions.refuse_missing_days(tmp_path)
    partitions.refuse_missing_days(tmp_path / "one.parquet")
