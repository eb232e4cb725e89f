"""Postal areas, from a million points that somebody located."""

from tradewind_contracts.tables import table
from tradewind_sources.workbench import Workbench, flags

BRAZIL_LAT = (-33.76, 5.28)
BRAZIL_LNG = (-74.0, -28.83)
"""Brazil's extremes in degrees: Chuí, Monte Caburaí, Serra do Divisor and, with its islands, Martim Vaz (IBGE)."""

_AREAS = f"""
with points as (
    select distinct
        geolocation_zip_code_prefix as postal_area_id, geolocation_lat as lat, geolocation_lng as lng,
        geolocation_city as city, geolocation_state as state
    from source.geolocation where reason is null
),
-- The most frequent word; the first in the alphabet where two are equally frequent.
cities as (
    select postal_area_id, city, row_number() over (partition by postal_area_id order by count(*) desc, city) as place
    from points group by postal_area_id, city
),
states as (
    select
        postal_area_id, state, row_number() over (partition by postal_area_id order by count(*) desc, state) as place,
        count(*) over (partition by postal_area_id) as states_count
    from points group by postal_area_id, state
),
middles as (
    select postal_area_id, median(lat) as lat, median(lng) as lng, count(*) as points_count from points group by postal_area_id
)
select
    postal_area_id, lat, lng, cities.city, states.state, points_count,
    {flags({"several_states": "states_count > 1"})}
from middles
join cities using (postal_area_id)
join states using (postal_area_id)
where cities.place = 1 and states.place = 1
"""

AREA_KNOWN = "{column} in (select postal_area_id from landed.postal_areas)"
"""SQL: the postal area in ``column`` has a location."""


def land_postal_areas(bench: Workbench) -> None:
    """Land ``postal_areas``; needs ``source.geolocation``."""
    inside = f"geolocation_lat between {BRAZIL_LAT[0]} and {BRAZIL_LAT[1]} and geolocation_lng between {BRAZIL_LNG[0]} and {BRAZIL_LNG[1]}"
    bench.refuse("geolocation", "outside_brazil", f"not ({inside})")
    bench.land(table("postal_areas"), "geolocation", _AREAS)
    merged = bench.count(
        "select count(*) - (select sum(points_count) from landed.postal_areas) from source.geolocation where reason is null"
    )
    if merged:
        bench.source_flags["postal_areas"] = {"duplicate_point": merged}
