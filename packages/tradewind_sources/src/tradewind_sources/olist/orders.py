"""Customers, orders, order items, payments and parcels."""

from tradewind_contracts.tables import table
from tradewind_sources.oddities import MILESTONES, SHIP_BY_DAYS_MAX
from tradewind_sources.workbench import Workbench, flags

_WITH_MILESTONES = """
create view source.milestones as
select
    o.order_id, c.customer_unique_id as customer_id, o.customer_id as source_customer_id,
    c.customer_zip_code_prefix as destination_postal_area_id, c.customer_state as destination_state, c.customer_city as city,
    o.order_purchase_timestamp as ordered_at, o.order_approved_at as approved_at,
    o.order_delivered_carrier_date as handed_over_at, o.order_delivered_customer_date as delivered_at,
    null::timestamp as cancelled_at, o.order_estimated_delivery_date as promised_at, o.order_status as source_status,
    coalesce(i.merchants_count, 0) as merchants_count,
    o.order_id in (select order_id from source.payments where reason is null) as is_paid
from source.orders as o
join source.customers as c on c.customer_id = o.customer_id and c.reason is null
left join (
    select order_id, count(distinct seller_id) as merchants_count from source.order_items where reason is null group by order_id
) as i on i.order_id = o.order_id
where o.reason is null
"""

_AREA_MISSING = "{column} not in (select postal_area_id from landed.postal_areas)"

_MILESTONE_FLAGS = {
    **MILESTONES,
    "delivered_without_instant": "source_status = 'delivered' and delivered_at is null",
    "cancelled_without_instant": "source_status = 'canceled'",
    "delivered_yet_cancelled": "source_status = 'canceled' and delivered_at is not null",
    "several_merchants": "merchants_count > 1",
    "area_without_location": _AREA_MISSING.format(column="destination_postal_area_id"),
}
"""What is odd about an order's milestones; its parcels carry the same flags, for the source knows milestones by order only."""

_CUSTOMERS = f"""
with newest as (
    select *, row_number() over (partition by customer_id order by ordered_at desc, order_id desc) as place,
        min(ordered_at) over (partition by customer_id) as first_ordered_at
    from source.milestones
)
select
    customer_id, first_ordered_at, ordered_at as last_ordered_at,
    destination_postal_area_id as postal_area_id, city, destination_state as state,
    {flags({"area_without_location": _AREA_MISSING.format(column="destination_postal_area_id")})}
from newest where place = 1
"""

_ORDERS = f"""
select
    order_id, customer_id, destination_postal_area_id, destination_state, ordered_at, approved_at, cancelled_at, promised_at, source_status,
    {flags({**_MILESTONE_FLAGS, "order_without_items": "merchants_count = 0", "order_without_payment": "not is_paid"})}
from source.milestones
"""

_ORDER_ITEMS = f"""
select
    i.order_id, i.order_item_id as item_number, i.product_id, i.seller_id as merchant_id, o.ordered_at, o.approved_at,
    i.shipping_limit_date as ship_by_at, i.price, i.freight_value as freight,
    {
    flags(
        {
            "ship_by_far_future": f"i.shipping_limit_date > o.ordered_at + interval {SHIP_BY_DAYS_MAX} day",
            "ship_by_before_order": "i.shipping_limit_date < o.ordered_at",
            "zero_price": "i.price = 0",
        }
    )
}
from source.order_items as i
join source.milestones as o using (order_id)
where i.reason is null
"""

_PAYMENTS = f"""
with numbered as (
    select *, min(payment_sequential) over (partition by order_id) as first_number from source.payments where reason is null
)
select
    p.order_id, p.payment_sequential as payment_number, o.ordered_at, p.payment_type as method,
    p.payment_installments as installments_count, p.payment_value as amount,
    {
    flags(
        {
            "zero_installments": "p.payment_installments = 0",
            "zero_payment": "p.payment_value = 0",
            "method_not_defined": "p.payment_type = 'not_defined'",
            "first_payment_missing": "p.first_number > 1",
        }
    )
}
from numbered as p
join source.milestones as o using (order_id)
"""

# sum() of whole numbers and decimals is exact; the casts only undo its wider types. A sum is null where one part is unknown.
_PARCELS = f"""
with contents as (
    select
        i.order_id, i.merchant_id, max(i.ship_by_at) as ship_by_at, count(*) as items_count,
        case when count(p.weight_g) = count(*) then sum(p.weight_g) end::bigint as weight_g,
        case when count(p.length_cm * p.height_cm * p.width_cm) = count(*) then sum(p.length_cm * p.height_cm * p.width_cm) end::bigint
            as volume_cm3,
        sum(i.price)::decimal(12, 2) as price, sum(i.freight)::decimal(12, 2) as freight,
        bool_or(coalesce(p.weight_g = 0, false)) as has_zero_weight,
        bool_or(contains(i.flags, 'ship_by_far_future')) as is_far_future
    from landed.order_items as i
    join landed.products as p using (product_id)
    group by i.order_id, i.merchant_id
)
select
    c.order_id || ':' || c.merchant_id as parcel_id, c.order_id, c.merchant_id,
    m.postal_area_id as origin_postal_area_id, m.state as origin_state, o.destination_postal_area_id, o.destination_state,
    o.ordered_at, o.approved_at, o.handed_over_at, o.delivered_at, o.cancelled_at, o.promised_at,
    c.ship_by_at, c.items_count, c.weight_g, c.volume_cm3, c.price, c.freight,
    {
    flags(
        {
            **_MILESTONE_FLAGS,
            "origin_without_location": _AREA_MISSING.format(column="m.postal_area_id"),
            "ship_by_far_future": "c.is_far_future",
            "no_weight": "c.weight_g is null",
            "zero_weight": "c.has_zero_weight",
        }
    )
}
from contents as c
join source.milestones as o using (order_id)
join landed.merchants as m using (merchant_id)
"""


def settle_orders(bench: Workbench) -> None:
    """Refuse what belongs to no usable row (orders, then what names them), and make the view ``source.milestones``.

    Every later table of an order reads that view, so it comes first.
    """
    bench.refuse_orphans("orders", "customer_id", "customers", "customer_id", "unknown_customer")
    bench.refuse_orphans("customers", "customer_id", "orders", "customer_id", "customer_without_order")
    bench.refuse_orphans("order_items", "order_id", "orders", "order_id", "unknown_order")
    bench.refuse_orphans("order_items", "product_id", "products", "product_id", "unknown_product")
    bench.refuse_orphans("order_items", "seller_id", "sellers", "seller_id", "unknown_merchant")
    bench.refuse_orphans("payments", "order_id", "orders", "order_id", "unknown_order")
    bench.execute(_WITH_MILESTONES)


def land_customers(bench: Workbench) -> None:
    """Land ``customers``: one row per person, from one row per order; needs ``postal_areas``."""
    bench.land(table("customers"), "customers", _CUSTOMERS)


def land_orders(bench: Workbench) -> None:
    """Land ``orders``, ``order_items`` and ``payments``; needs ``postal_areas``."""
    bench.land(table("orders"), "orders", _ORDERS)
    bench.land(table("order_items"), "order_items", _ORDER_ITEMS)
    bench.land(table("payments"), "payments", _PAYMENTS)


def land_parcels(bench: Workbench) -> None:
    """Land ``parcels``; needs ``order_items``, ``products`` and ``merchants``."""
    bench.land(table("parcels"), "landed.order_items", _PARCELS)
