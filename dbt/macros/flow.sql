{# Flow: volume, speed, lateness and backlog of a key's parcels in recent days; the CTEs of a model from `ordered` to `final`.

They read a CTE `parcels`: rows of fct_parcels with `key`. A row stamped t sees orders, hand-overs, deliveries, cancellations and returns before t.
A parcel that was sent back will never be delivered: it leaves the backlog as a cancelled one does. #}

{% macro flow_7d(key) -%}
{%- set sums = [
    'ordered_count', 'handed_over_count', 'handling_count', 'handling_seconds', 'delivered_count', 'delivery_seconds', 'late_count'
] -%}
{%- set levels = ['unshipped_count', 'unshipped_days', 'travelling_count', 'travelling_days'] -%}
ordered as (
    select
        {{ key }},
        {{ seen_from('ordered_at') }} as day,
        {{ seen_from('least(handed_over_at, delivered_at, cancelled_at, returned_at)') }} as until_day,
        1 as ordered_count,
        1 as unshipped_count,
        {{ day_number(seen_from('ordered_at')) }} as unshipped_days
    from parcels
),

handed_over as (
    select
        {{ key }},
        {{ seen_from('handed_over_at') }} as day,
        {{ seen_from('least(delivered_at, returned_at)') }} as until_day,
        1 as handed_over_count,
        cast(handling_seconds is not null as integer) as handling_count,
        least(handling_seconds, {{ var('longest_handling_seconds') }}) as handling_seconds,
        1 as travelling_count,
        {{ day_number(seen_from('handed_over_at')) }} as travelling_days
    from parcels
    where handed_over_at is not null
),

delivered as (
    select
        {{ key }},
        {{ seen_from('delivered_at') }} as day,
        1 as delivered_count,
        least(delivery_seconds, {{ var('longest_delivery_seconds') }}) as delivery_seconds,
        cast(is_late as integer) as late_count
    from parcels
    where delivery_seconds is not null
),

facts as (
    select
        {{ key }},
        day,
        ordered_count
    from ordered
    union all by name
    select
        {{ key }},
        day,
        handed_over_count,
        handling_count,
        handling_seconds
    from handed_over
    union all by name
    select * from delivered
    union all by name
    {{ opened_and_closed('ordered', key, var('open_handling_days'), ['unshipped_count', 'unshipped_days']) }}
    union all by name
    {{ opened_and_closed('handed_over', key, var('open_transit_days'), ['travelling_count', 'travelling_days']) }}
),

totals as (
    {{ totals('facts', key, sums + levels) }}
),

days as (
    {{ daily_totals('totals', key, sums + levels) }}
),

windows as (
    select
        {{ key }},
        day{% for column in levels %},
        {{ column }}{% endfor %}{% for column in sums %},
        {{ in_last(7, column) }} as {{ column }}{% endfor %}
    from days
    window history as (partition by {{ key }} order by day)
),

final as (
    select
        {{ key }},
        {{ feature_instants('day') }},
        ordered_count as parcels_ordered_count_7d,
        handed_over_count as parcels_handed_over_count_7d,
        delivered_count as parcels_delivered_count_7d,
        {{ mean('handed_over_count', 'delivered_count') }} as handed_over_per_delivered_7d,
        {{ mean('handling_seconds', 'handling_count', 3600) }} as handling_hours_mean_7d,
        {{ mean('delivery_seconds', 'delivered_count', 86400) }} as delivery_days_mean_7d,
        {{ mean('late_count', 'delivered_count') }} as late_share_7d,
        unshipped_count as parcels_unshipped_count,
        24 * ({{ day_number('day') }} - {{ mean('unshipped_days', 'unshipped_count') }}) as unshipped_hours_mean,
        travelling_count as parcels_travelling_count,
        24 * ({{ day_number('day') }} - {{ mean('travelling_days', 'travelling_count') }}) as travelling_hours_mean
    from windows
    where ordered_count + handed_over_count + delivered_count + unshipped_count + travelling_count > 0
)
{%- endmacro %}
