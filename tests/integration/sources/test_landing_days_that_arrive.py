"""Days arrive: only they are read, and what stands then is what all days at once would have given."""

import datetime as dt
import random
import shutil
from pathlib import Path
from typing import Any

import observed_world as made
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.instants import parse_instant
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_sources import LandingReport, land, landing

DAYS = 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[made.Observed, LandingReport, Manifest]:
    """A world of six days with dirt and oddities, and its landing in one go."""
    folder = tmp_path_factory.mktemp("whole")
    observed = made.write_observed(folder / "data", days=DAYS, orders_per_day=6)
    assert len(observed.days) == DAYS
    settings = Settings(home=folder / "home", source="simulator")
    return observed, land("simulator", observed.path, settings), Manifest.read(settings.paths.landing)


@pytest.fixture
def observed(tmp_path: Path) -> made.Observed:
    return made.write_observed(tmp_path / "data", days=DAYS, orders_per_day=6)


@pytest.fixture
def home_settings(home: Path) -> Settings:
    return Settings(home=home, source="simulator")


def manifest_of(settings: Settings) -> Manifest:
    return Manifest.read(settings.paths.landing)


def rows(settings: Settings, table: str) -> list[dict[str, Any]]:
    return pq.read_table(settings.paths.landing / manifest_of(settings).table(table).path).to_pylist()


@pytest.mark.parametrize("seed", ["one by one", 1, 2])
def test_whatever_days_arrive_together_the_bytes_and_the_accounts_are_those_of_one_landing(
    whole: tuple[made.Observed, LandingReport, Manifest], seed: str | int, tmp_path: Path
) -> None:
    observed, report, manifest = whole
    drawn = random.Random(seed)
    stops = range(1, DAYS) if seed == "one by one" else sorted(drawn.sample(range(1, DAYS), 2))
    settings = Settings(home=tmp_path, source="simulator")
    for stop in (*stops, DAYS):
        observed.show(until=observed.days[stop - 1])
        found = land("simulator", observed.path, settings)
        assert ("appended_to" in manifest_of(settings).facts) == (stop != stops[0])
    assert manifest_of(settings).tables == manifest.tables
    assert found == report


def test_days_that_have_landed_are_not_read_again(observed: made.Observed, home_settings: Settings) -> None:
    observed.show(until=observed.days[2])
    land("simulator", observed.path, home_settings)
    observed.show()
    for table, files in observed.files.items():
        for day in files:
            if day <= observed.days[2]:
                (observed.folder / table / f"{day.isoformat()}.parquet").unlink()
    messages: list[str] = []
    land("simulator", observed.path, home_settings, messages.append)
    assert messages[0] == f"simulator: 3 new days from {observed.days[3]} on, beside the 3 that stand"
    assert len(rows(home_settings, "orders")) == len(observed.landed("orders"))


def test_the_same_days_land_nothing_anew(observed: made.Observed, home_settings: Settings) -> None:
    land("simulator", observed.path, home_settings)
    before = manifest_of(home_settings)
    messages: list[str] = []
    report = land("simulator", observed.path, home_settings, messages.append)
    assert report.reused
    assert messages == ["simulator: nothing new in data, 24 tables stand"]
    assert manifest_of(home_settings) == before


def test_the_manifest_says_what_it_extends_and_since_when_rows_changed(observed: made.Observed, home_settings: Settings) -> None:
    newest = observed.days[-1]
    observed.show(until=observed.days[-2])
    land("simulator", observed.path, home_settings)
    first = manifest_of(home_settings)
    assert not {"appended_to", "changed_since"} & set(first.facts)

    observed.show()
    land("simulator", observed.path, home_settings)
    facts = manifest_of(home_settings).facts
    assert facts["appended_to"] == first.digest
    since = facts["changed_since"]
    assert isinstance(since, dict)
    before, after = (observed.landed(table, until=newest) for table in ("orders", "parcels"))
    for table, landed in (("orders", before), ("parcels", after)):
        files = observed.files[table][newest]
        keys = {key for key, row in landed.items() if any(row is written for written in files)}
        name = "order_id" if table == "orders" else "parcel_id"
        changed = [row["changed_at"] for row in rows(home_settings, table) if (row[name],) in keys]
        assert parse_instant(since[table], "UTC") == min(changed)
    # No file of that day, or no row of it is usable: nothing changed.
    good = {table for table in observed.files if any(
        not any(row is bad for bad in observed.junk[table]) for row in observed.files[table].get(newest, [])
    )}  # fmt: skip
    assert set(since) == good
    assert "calendar" not in since


def test_a_table_with_a_changed_row_that_no_instant_is_known_of_has_changed_since_ever(
    observed: made.Observed, home_settings: Settings
) -> None:
    newest = observed.days[-1]
    product = observed.files["products"][observed.days[0]][0]
    seen = dict(product, product_id="seen", first_seen_at=dt.datetime.combine(newest, dt.time(4), tzinfo=dt.UTC))
    observed.files["products"][newest] = [dict(product, product_id="never seen", first_seen_at=None), seen]
    observed.write()
    observed.show(until=observed.days[-2])
    land("simulator", observed.path, home_settings)
    observed.show()
    land("simulator", observed.path, home_settings)
    since = manifest_of(home_settings).facts["changed_since"]
    assert isinstance(since, dict)
    assert since["products"] is None


def test_a_late_row_of_an_earlier_day_lands_with_the_day_that_it_was_recorded_on(observed: made.Observed, home_settings: Settings) -> None:
    observed.show(until=observed.days[-2])
    land("simulator", observed.path, home_settings)
    before = {row["scan_id"] for row in rows(home_settings, "scan_events")}
    observed.show()
    land("simulator", observed.path, home_settings)
    came = [row for row in rows(home_settings, "scan_events") if row["scan_id"] not in before]
    late = [row for row in came if "uploaded_late" in row["flags"]]
    assert late
    assert all(row["occurred_at"].date() < observed.days[-1] == row["recorded_at"].date() for row in late)


def shorter(observed: made.Observed) -> None:
    observed.show(until=observed.days[3])


def otherwise(observed: made.Observed) -> None:
    observed.files["orders"][observed.days[0]].pop()
    observed.write()


def earlier(observed: made.Observed) -> None:
    day = observed.days[0] - dt.timedelta(days=1)
    row = dict(observed.files["postal_areas"][observed.days[0]][0], postal_area_id="88888")
    observed.files["postal_areas"][day] = [row]
    observed.write()


def elsewhere(observed: made.Observed) -> None:
    observed.show_files([(table, day) for table, files in observed.files.items() for day in files], country="PT")


@pytest.mark.parametrize("change", [shorter, otherwise, earlier, elsewhere])
def test_days_that_are_no_extension_all_land_anew(observed: made.Observed, home_settings: Settings, change: Any) -> None:
    observed.show(until=observed.days[-2])
    land("simulator", observed.path, home_settings)
    observed.show()
    change(observed)
    messages: list[str] = []
    report = land("simulator", observed.path, home_settings, messages.append)
    assert messages[0].endswith("land anew, for what stands is not their beginning")
    assert "appended_to" not in manifest_of(home_settings).facts
    fresh = Settings(home=home_settings.home.parent / "fresh", source="simulator")
    assert land("simulator", observed.path, fresh) == report
    assert manifest_of(fresh).tables == manifest_of(home_settings).tables


def test_days_join_only_what_the_same_code_landed(
    observed: made.Observed, home_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed.show(until=observed.days[-2])
    land("simulator", observed.path, home_settings)
    observed.show()
    monkeypatch.setattr(landing, "code_digest", lambda: "another")
    land("simulator", observed.path, home_settings)
    assert "appended_to" not in manifest_of(home_settings).facts


def test_a_table_whose_first_file_comes_later_lands_then(observed: made.Observed, home_settings: Settings) -> None:
    files = [(table, day) for table, days in observed.files.items() for day in days]
    observed.show_files([(table, day) for table, day in files if day < observed.days[-1] and table != "outreach"])
    report = land("simulator", observed.path, home_settings)
    assert "outreach" in report.skipped
    observed.show_files([(table, day) for table, day in files if day == observed.days[-1] or table != "outreach"])
    report = land("simulator", observed.path, home_settings)
    assert "outreach" not in report.skipped
    assert "appended_to" in manifest_of(home_settings).facts


def test_a_damaged_landing_is_not_added_to(observed: made.Observed, home_settings: Settings) -> None:
    observed.show(until=observed.days[-2])
    land("simulator", observed.path, home_settings)
    path = home_settings.paths.landing / manifest_of(home_settings).table("orders").path
    path.write_bytes(b"PAR1")
    observed.show()
    land("simulator", observed.path, home_settings)
    assert len(rows(home_settings, "orders")) == len(observed.landed("orders"))
    assert "appended_to" not in manifest_of(home_settings).facts


def test_other_worlds_of_one_home_do_not_meet(observed: made.Observed, home_settings: Settings) -> None:
    land("simulator", observed.path, home_settings)
    shutil.copytree(home_settings.paths.world, home_settings.paths.world.parent / "kept")
    other = home_settings.model_copy(update={"world": "other"})
    assert not land("simulator", observed.path, other).reused
    assert manifest_of(other).tables == manifest_of(home_settings).tables
