"""The tables of comparison, made of Olist's public files as downloaded (``raw_*``), of the last year before the snapshot."""

TABLES = """
create table span as
select max(order_purchase_timestamp)::date - 45 as until, max(order_purchase_timestamp)::date - 410 as since from raw_orders;

create table areas as
select geolocation_zip_code_prefix as area, median(geolocation_lat) as lat, median(geolocation_lng) as lng
from raw_geolocation
where geolocation_lat between -34 and 6 and geolocation_lng between -74 and -34
group by geolocation_zip_code_prefix;

create table parcels as
select
    orders.order_id,
    items.seller_id as merchant_id,
    orders.order_purchase_timestamp as ordered,
    epoch(orders.order_delivered_customer_date - orders.order_purchase_timestamp) / 86400 as delivery_days,
    epoch(orders.order_approved_at - orders.order_purchase_timestamp) / 3600 as approval_hours,
    case when orders.order_delivered_carrier_date >= orders.order_approved_at
        then epoch(orders.order_delivered_carrier_date - orders.order_approved_at) / 3600 end as handling_hours,
    case when orders.order_delivered_customer_date >= orders.order_delivered_carrier_date
        then epoch(orders.order_delivered_customer_date - orders.order_delivered_carrier_date) / 86400 end as transit_days,
    (orders.order_estimated_delivery_date::date - orders.order_purchase_timestamp::date)::double as promised_days,
    orders.order_delivered_customer_date::date > orders.order_estimated_delivery_date::date as is_late,
    orders.order_delivered_customer_date::date - orders.order_estimated_delivery_date::date as days_late,
    any_value(sellers.seller_state) as origin_state,
    any_value(customers.customer_state) as destination_state,
    any_value(distance_km(origins.lat, origins.lng, destinations.lat, destinations.lng)) as distance_km
from raw_orders as orders
inner join raw_order_items as items using (order_id)
left join raw_sellers as sellers using (seller_id)
left join raw_customers as customers using (customer_id)
left join areas as origins on sellers.seller_zip_code_prefix = origins.area
left join areas as destinations on customers.customer_zip_code_prefix = destinations.area
where orders.order_purchase_timestamp::date < (select until from span) and orders.order_purchase_timestamp::date >= (select since from span)
group by all;

create table orders as
select
    orders.order_id,
    orders.order_purchase_timestamp as ordered,
    coalesce(items.items, 0) as items,
    orders.order_status = 'canceled' as is_cancelled,
    lateness.is_late,
    lateness.days_late
from raw_orders as orders
left join (select order_id, count(*) as items from raw_order_items group by order_id) as items using (order_id)
left join (select order_id, bool_or(is_late) as is_late, max(days_late) as days_late from parcels group by order_id) as lateness using (order_id)
where orders.order_purchase_timestamp::date < (select until from span) and orders.order_purchase_timestamp::date >= (select since from span);

create table items as
select items.price::double as price, items.freight_value::double as freight, products.product_weight_g::double as weight_g
from raw_order_items as items
inner join orders using (order_id)
left join raw_products as products using (product_id);

create table payments as
select payments.payment_type as method from raw_order_payments as payments inner join orders using (order_id);

create table reviews as
select reviews.review_score as score, orders.is_late, orders.days_late from raw_order_reviews as reviews inner join orders using (order_id);
"""

FUNNEL = """
create table leads as
select
    coalesce(leads.origin, 'unknown') as channel,
    deals.mql_id is not null as is_won,
    case when deals.won_date > leads.first_contact_date
        then epoch(deals.won_date - leads.first_contact_date) / 86400 end as days_to_win
from raw_marketing_qualified_leads as leads
left join raw_closed_deals as deals using (mql_id);
"""
