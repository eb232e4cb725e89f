{# Daily windows over facts of a key.

Facts (`key`, `day` = first day boundary that may see them, integers to sum) are added up from the first one on, spread over every day
since, and a window of some days is the total today less the total then. Sums are of integers: exact, whatever the order of rows. #}

{# Totals since the first fact, on each day that has facts: `key`, `day`, `until_day` (the next such day) and `sums`. #}
{% macro totals(facts, key, sums) -%}
    select
        {{ key }},
        day,
        lead(day) over history as until_day{% for column in sums %},
        cast(sum({{ column }}) over history as bigint) as {{ column }}{% endfor %}
    from (
        select
            {{ key }},
            day{% for column in sums %},
            coalesce(sum({{ column }}), 0) as {{ column }}{% endfor %}
        from {{ facts }}
        group by {{ key }}, day
    )
    window history as (partition by {{ key }} order by day rows unbounded preceding)
{%- endmacro %}

{# The same on every day from the first fact to the newest day that the data cover; `changed_day` is the newest day with facts. #}
{% macro daily_totals(totals, key, sums) -%}
    select
        {{ key }},
        day + cast(unnest(range(least(coalesce(until_day, newest_day + 1), newest_day + 1) - day)) as integer) as day,
        day as changed_day{% for column in sums %},
        {{ column }}{% endfor %}
    from {{ totals }}
    cross join (select max(day) as newest_day from {{ ref('int_days_covered') }})
{%- endmacro %}

{# What was added to the total `column` in the last `days` days; wants a window `history` of the key's days, one row a day. #}
{% macro in_last(days, column) -%}
    {{ column }} - lag({{ column }}, {{ days }}, 0) over history
{%- endmacro %}

{# Facts that count from `day` until `until_day`, where that is known, and for `days` days at most. #}
{% macro opened_and_closed(facts, key, days, sums) -%}
    select
        {{ key }},
        unnest([day, greatest(day, least(coalesce(until_day, day + {{ days }}), day + {{ days }}))]) as day{% for column in sums %},
        unnest([{{ column }}, -{{ column }}]) as {{ column }}{% endfor %}
    from {{ facts }}
{%- endmacro %}

{# The lower median of `value` over the facts of the last `days` days, on each day that a fact enters or leaves that window. #}
{% macro window_medians(facts, key, days, value) -%}
    select distinct
        {{ key }},
        day,
        quantile_disc({{ value }}, 0.5) over (
            partition by {{ key }} order by day range between interval {{ days - 1 }} days preceding and current row
        ) as {{ value }}_median
    from (
        select
            {{ key }},
            unnest([day, day + {{ days }}]) as day,
            unnest([{{ value }}, null]) as {{ value }}
        from {{ facts }}
    )
{%- endmacro %}

{# The two instants of a feature row: the day boundary (UTC) that it stands at, and when it is published. #}
{% macro feature_instants(day) -%}
    make_timestamptz({{ day_number(day) }} * 86400000000) as event_timestamp,
        make_timestamptz({{ day_number(day) }} * 86400000000 + {{ var('publication_lag_minutes') }} * cast(60000000 as bigint)) as created_timestamp
{%- endmacro %}

{# A mean of integers, divided last: null where there is nothing to divide by. #}
{% macro mean(total, count, unit=1) -%}
    cast({{ total }} as double) / nullif({{ count }}, 0){% if unit != 1 %} / {{ unit }}{% endif %}
{%- endmacro %}
