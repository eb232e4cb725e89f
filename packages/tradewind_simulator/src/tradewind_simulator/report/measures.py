"""What is compared: each measure is one query that is asked of every world, with the tolerance within which they should agree.

Tolerances are chosen: distribution functions of what the simulator is calibrated to should be within 0.15 of the real ones (within
0.25 under a condition, where cells are small and no parameter speaks of them), shares within 0.15 of total variation, rates within what is written.
"""

from dataclasses import dataclass
from typing import Literal

from tradewind_simulator.report.reading import CHANGSHU, DELHIVERY, OLIST

Kind = Literal["distribution", "shares", "rate"]
MARGINAL, CONDITIONAL = 0.15, 0.25
DISTANCE_BANDS = ((0, 50), (50, 200), (200, 500), (500, 1000), (1000, 2000), (2000, 5000))
"""In kilometres."""
LANES = {
    "SP to SP": "origin_state = 'SP' and destination_state = 'SP'",
    "SP to RJ": "origin_state = 'SP' and destination_state = 'RJ'",
    "SP to MG": "origin_state = 'SP' and destination_state = 'MG'",
    "SP to the South": "origin_state = 'SP' and destination_state in ('PR', 'SC', 'RS')",
    "SP to the North-East": "origin_state = 'SP' and destination_state in ('BA', 'SE', 'AL', 'PE', 'PB', 'RN', 'CE', 'PI', 'MA')",
    "SP to the North": "origin_state = 'SP' and destination_state in ('AM', 'PA', 'AC', 'RO', 'RR', 'AP', 'TO')",
}


@dataclass(frozen=True)
class Measure:
    """One thing that is compared.

    ``query`` gives a distribution's values, the categories of shares (category, weight), or one number of a rate (and how many it
    is made of). ``world`` is the real one that it is compared with; ``""`` where only a figure is known.
    """

    name: str
    kind: Kind
    query: str
    unit: str
    tolerance: float
    world: str = OLIST
    has_long_tail: bool = False
    """Plotted on a logarithmic axis."""


def _distribution(
    name: str, table: str, value: str, unit: str, *, where: str = "true", tolerance: float = MARGINAL, **more: str | bool
) -> Measure:
    query = f"select ({value})::double from {table} where ({value}) is not null and {where}"  # noqa: S608 (texts of this module)
    return Measure(name, "distribution", query, unit, tolerance, **more)  # type: ignore[arg-type]  # of this module's own calls


def _shares(name: str, table: str, category: str, tolerance: float, *, where: str = "true") -> Measure:
    query = f"select ({category})::varchar, count(*)::double from {table} where ({category}) is not null and {where} group by 1 order by 1"  # noqa: S608 (texts of this module)
    return Measure(name, "shares", query, "", tolerance)


def _rate(name: str, table: str, condition: str, tolerance: float, *, where: str = "true", world: str = OLIST) -> Measure:
    query = f"select avg(({condition})::integer), count(*) from {table} where ({condition}) is not null and {where}"  # noqa: S608 (texts of this module)
    return Measure(name, "rate", query, "", tolerance, world)


_TIMELY_REVIEW = "not is_late"

MEASURES: tuple[Measure, ...] = (
    # The way of a parcel.
    _distribution("delivery days", "parcels", "delivery_days", "days", has_long_tail=True),
    _distribution("approval hours", "parcels", "approval_hours", "hours", where="approval_hours > 0", tolerance=0.2, has_long_tail=True),
    _distribution("handling hours", "parcels", "handling_hours", "hours", has_long_tail=True),
    _distribution("transit days", "parcels", "transit_days", "days", has_long_tail=True),
    _distribution("promised days", "parcels", "promised_days", "days"),
    _distribution("distance", "parcels", "distance_km", "km"),
    *(
        _distribution(
            f"delivery days, {low} to {high} km", "parcels", "delivery_days", "days",
            where=f"distance_km >= {low} and distance_km < {high}", tolerance=CONDITIONAL, has_long_tail=True,
        )
        for low, high in DISTANCE_BANDS
    ),
    *(
        _distribution(f"delivery days, {lane}", "parcels", "delivery_days", "days", where=where, tolerance=CONDITIONAL, has_long_tail=True)
        for lane, where in LANES.items()
    ),
    _rate("late share", "parcels", "is_late", 0.02),
    _rate("delivered share", "parcels", "delivery_days is not null", 0.03),
    _rate("cancelled share", "orders", "is_cancelled", 0.005),
    # What is bought.
    _distribution("weight of an item", "items", "weight_g", "g", has_long_tail=True),
    _distribution("price of an item", "items", "price", "BRL", has_long_tail=True),
    _distribution("freight of an item", "items", "freight", "BRL", has_long_tail=True),
    _shares("items of an order", "orders", "case when items < 5 then items::varchar else '5+' end", 0.05, where="items > 0"),
    _shares("means of payment", "payments", "method", 0.05),
    _shares("hour of purchase", "orders", "extract(hour from ordered)", 0.1),
    _shares("weekday of purchase", "orders", "isodow(ordered)", 0.05),
    _shares("state of destination", "parcels", "destination_state", 0.1),
    _shares("state of origin", "parcels", "origin_state", 0.2),
    # What is thought of it.
    _shares("review score, on time", "reviews", "score", 0.1, where=_TIMELY_REVIEW),
    _shares("review score, 1 to 3 days late", "reviews", "score", 0.1, where="days_late between 1 and 3"),
    _shares("review score, over a week late", "reviews", "score", 0.1, where="days_late > 7"),
    # Merchants.
    _distribution("orders of a merchant, by their mean", "(select count(distinct order_id) as n from parcels group by merchant_id)",
                  "n / (select count(distinct (order_id, merchant_id)) / count(distinct merchant_id) from parcels)",
                  "", tolerance=0.2, has_long_tail=True),
    _rate("leads won", "leads", "is_won", 0.02),
    *(
        _rate(f"leads won, {channel}", "leads", "is_won", 0.05, where=f"channel = '{channel}'")
        for channel in ("organic_search", "paid_search", "social", "unknown", "direct_traffic", "email")
    ),
    _shares("channel of a lead", "leads", "channel", 0.1),
    _distribution("days from lead to deal", "leads", "days_to_win", "days", tolerance=0.2, has_long_tail=True),
    # The network.
    # A parcel that leaves in the evening is not looked for before morning: short legs say nothing of the road.
    _distribution("actual to planned minutes, legs of an hour or more", "legs", "ratio", "", where="planned_minutes >= 60",
                  world=DELHIVERY, has_long_tail=True),
    _rate("first attempts that deliver", "first_attempts", "is_delivered", 0.06, world=""),
    _rate("parcels tried again on a later day", "first_attempts", "is_tried_again", 0.02, world=CHANGSHU),
    _rate("scans uploaded twice", "scans", "is_duplicate", 0.005, world=""),
    _rate("scans uploaded after an hour", "scans", "is_uploaded_late", 0.01, world=""),
    _rate("visits whose sorting nobody scanned", "visits", "not is_sorted_scanned", 0.01, world=""),
)  # fmt: skip
