"""The dbt project on a small synthetic archive: accounts, known answers against a slow oracle, and the rules of time."""

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings

Ask = Callable[[str], list[tuple[Any, ...]]]
DAY = dt.timedelta(days=1)


def test_each_landed_row_reaches_its_mart(built: Settings, warehouse: Ask) -> None:
    landed = Manifest.read(built.paths.landing).tables
    for table, mart in (("orders", "fct_orders"), ("parcels", "fct_parcels"), ("reviews", "fct_reviews"), ("leads", "fct_leads")):
        assert warehouse(f"select count(*) from marts.{mart}") == [(landed[table].rows,)]
        assert landed[table].rows > 0


def test_the_pace_of_a_lane_equals_a_slow_oracle(warehouse: Ask) -> None:
    spells = warehouse("select state_lane_id, handed_over_at, transit_known_at from marts.fct_parcels where handed_over_at is not null")
    rows = warehouse(
        "select state_lane_id, event_timestamp, transit_pace_90d from features.ftr_state_lane__pace_365d order by hash(1, 2) limit 9"
    )
    assert len(rows) == 9
    for lane, stamped, pace in rows:
        assert math.isclose(pace, _slow_pace(spells, lane, stamped, days=90), abs_tol=1e-6)


def test_a_negative_duration_is_kept_as_a_row_and_measured_as_null(warehouse: Ask) -> None:
    backwards = "marts.fct_parcels where delivered_at < handed_over_at"
    assert warehouse(f"select count(*) > 0, count(transit_seconds) from {backwards}") == [(True, 0)]
    assert warehouse("select min(transit_seconds) >= 0, min(handling_seconds) >= 0 from marts.fct_parcels") == [(True, True)]


def test_each_feature_row_is_published_an_hour_after_its_day_boundary(warehouse: Ask) -> None:
    names = [name for (name,) in warehouse("select table_name from information_schema.tables where table_schema = 'features'")]
    assert len(names) >= 12
    for name in names:
        odd = "event_timestamp != date_trunc('day', event_timestamp) or created_timestamp != event_timestamp + interval 1 hour"
        assert warehouse(f"select count(*) > 0, count(*) filter (where {odd}) from features.{name}") == [(True, 0)], name


def test_a_daily_view_has_no_day_missing_while_its_window_holds_something(warehouse: Ask) -> None:
    gaps = """
        select count(*) from (
            select event_timestamp - lag(event_timestamp) over (partition by network_id order by event_timestamp) as step
            from features.ftr_network__flow_7d
        ) where step > interval 1 day
    """
    assert warehouse(gaps) == [(0,)]


def test_the_label_keeps_parcels_that_are_under_way(warehouse: Ask) -> None:
    question = """
        select count(*) filter (where outcome_at is null) > 0, bool_and((outcome_at is null) = (duration_days is null)),
            count(distinct observed_until_at), count(*) = (select count(*) from marts.fct_parcels)
        from labels.lbl_parcel__delivery
    """
    assert warehouse(question) == [(True, True, 1, True)]


def _slow_pace(spells: list[tuple[str, dt.datetime, dt.datetime | None]], lane: str, stamped: dt.datetime, days: int) -> float:
    """Observed over expected by its definition, one parcel and one day at a time."""
    risk: list[tuple[str, dt.date, int, bool]] = []
    last = (stamped - DAY).date()
    for key, handed_over_at, known_at in spells:
        start = handed_over_at.date()
        for age in range(41):
            day = start + age * DAY
            if day > last or (known_at is not None and day > known_at.date()):
                break
            risk.append((key, day, age, known_at is not None and day == known_at.date()))
    observed, expected = 0, 0.0
    for key, day, age, happened in risk:
        if key == lane and day > last - days * DAY:
            week = [event for _, other, other_age, event in risk if other_age == age and day - 6 * DAY <= other <= day]
            observed += happened
            expected += sum(week) / len(week)
    return math.log((observed + 4) / (expected + 4))
