"""The tables of comparison, made of a simulated world's observed tables (``raw_*``)."""

TABLES = """
create macro local_time(instant) as timezone((select zone from clock), instant);

-- Orders of the last weeks are still under way: they are left out, at most a third of the span.
create table span as
select newest - least(45, (newest - first) // 3)::integer as until from clock;

create table parcels as
select
    parcels.order_id,
    parcels.merchant_id,
    local_time(parcels.ordered_at) as ordered,
    epoch(parcels.delivered_at - parcels.ordered_at) / 86400 as delivery_days,
    epoch(parcels.approved_at - parcels.ordered_at) / 3600 as approval_hours,
    epoch(parcels.handed_over_at - parcels.approved_at) / 3600 as handling_hours,
    epoch(parcels.delivered_at - parcels.handed_over_at) / 86400 as transit_days,
    (local_time(parcels.promised_at)::date - local_time(parcels.ordered_at)::date)::double as promised_days,
    local_time(parcels.delivered_at)::date > local_time(parcels.promised_at)::date as is_late,
    local_time(parcels.delivered_at)::date - local_time(parcels.promised_at)::date as days_late,
    parcels.origin_state,
    parcels.destination_state,
    distance_km(origins.lat, origins.lng, destinations.lat, destinations.lng) as distance_km
from raw_parcels as parcels
left join raw_postal_areas as origins on parcels.origin_postal_area_id = origins.postal_area_id
left join raw_postal_areas as destinations on parcels.destination_postal_area_id = destinations.postal_area_id
where local_time(parcels.ordered_at)::date < (select until from span);

create table orders as
select
    orders.order_id,
    local_time(orders.ordered_at) as ordered,
    coalesce(items.items, 0) as items,
    orders.cancelled_at is not null as is_cancelled,
    lateness.is_late,
    lateness.days_late
from raw_orders as orders
left join (select order_id, count(*) as items from raw_order_items group by order_id) as items using (order_id)
left join (select order_id, bool_or(is_late) as is_late, max(days_late) as days_late from parcels group by order_id) as lateness using (order_id)
where local_time(orders.ordered_at)::date < (select until from span);

create table items as
select items.price::double as price, items.freight::double as freight, products.weight_g::double as weight_g
from raw_order_items as items
inner join orders using (order_id)
left join raw_products as products on items.product_id = products.product_id;

create table payments as
select payments.method from raw_payments as payments inner join orders using (order_id);

create table reviews as
select reviews.score, orders.is_late, orders.days_late
from raw_reviews as reviews
inner join orders using (order_id)
where reviews.answered_at is not null;

create table leads as
select
    leads.channel,
    deals.lead_id is not null as is_won,
    epoch(deals.won_at - leads.contacted_at) / 86400 as days_to_win
from raw_leads as leads
left join raw_deals as deals using (lead_id)
where local_time(leads.contacted_at)::date < (select until from span);

-- A leg as the scanners saw it: the departure, and the first arrival where it was sent to.
create table legs as
select any_value(lanes.planned_minutes) as planned_minutes, min(epoch(arrivals.occurred_at - departures.occurred_at)) / 60 / any_value(lanes.planned_minutes) as ratio
from raw_scan_events as departures
inner join raw_scan_events as arrivals
    on departures.parcel_id = arrivals.parcel_id and departures.next_hub_id = arrivals.hub_id and arrivals.event = 'arrived'
inner join raw_lanes as lanes
    on departures.hub_id = lanes.origin_hub_id and departures.next_hub_id = lanes.destination_hub_id
where
    departures.event = 'departed'
    and arrivals.occurred_at > departures.occurred_at
    -- Of large worlds a part is enough.
    and hash(departures.parcel_id) % (1 + (select count(*) // 1000000 from raw_scan_events)) = 0
group by departures.parcel_id, departures.hub_id, departures.next_hub_id;

create table first_attempts as
select
    bool_or(attempt_number = 1 and outcome = 'delivered') as is_delivered,
    count(distinct local_time(attempted_at)::date) > 1 as is_tried_again
from raw_delivery_attempts
group by parcel_id;

create table scans as
select
    count(*) over (partition by parcel_id, hub_id, event, occurred_at) > 1
        and row_number() over (partition by parcel_id, hub_id, event, occurred_at order by recorded_at, scan_id) > 1 as is_duplicate,
    recorded_at - occurred_at > interval 1 hour as is_uploaded_late
from raw_scan_events;

-- A visit of which some scan is known: whether its sorting was scanned.
create table visits as
select bool_or(event = 'sorted') as is_sorted_scanned
from raw_scan_events
where event in ('arrived', 'sorted', 'departed')
group by parcel_id, hub_id
having bool_or(event = 'arrived') and bool_or(event = 'departed');
"""
