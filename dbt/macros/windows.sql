{# Daily windows from changes.

A fact enters a window on the first day whose row may see it, and leaves it some days later. The running sum of what enters and
leaves is the content of the window on each day. Sums are of integers, so they are exact and the order of rows does not matter. #}

{# What changes on which day, for facts that stay `days` days: a relation of `key`, `day` and `sums`. #}
{% macro enter_and_leave(facts, key, days, sums) -%}
    select
        {{ key }},
        unnest([day, day + {{ days }}]) as day{% for column in sums %},
        unnest([{{ column }}, -{{ column }}]) as {{ column }}{% endfor %}
    from {{ facts }}
{%- endmacro %}

{# The same for facts that stay from `day` until `until_day`, where that is known, and at most `days` days. #}
{% macro enter_and_leave_by(facts, key, days, sums) -%}
    select
        {{ key }},
        unnest([day, greatest(day, least(coalesce(until_day, day + {{ days }}), day + {{ days }}))]) as day{% for column in sums %},
        unnest([{{ column }}, -{{ column }}]) as {{ column }}{% endfor %}
    from {{ facts }}
{%- endmacro %}

{# The content of the window from each change to the next: `key`, `day`, `until_day` and `sums`. #}
{% macro running_sums(changes, key, sums) -%}
    select
        {{ key }},
        day,
        lead(day) over (partition by {{ key }} order by day) as until_day{% for column in sums %},
        cast(sum({{ column }}) over (partition by {{ key }} order by day rows unbounded preceding) as bigint) as {{ column }}{% endfor %}
    from (
        select
            {{ key }},
            day{% for column in sums %},
            cast(coalesce(sum({{ column }}), 0) as bigint) as {{ column }}{% endfor %}
        from {{ changes }}
        group by {{ key }}, day
    )
{%- endmacro %}

{# One row per `key` and day for as long as `alive` holds, up to the newest day that the data cover. #}
{% macro daily_rows(states, key, sums, alive) -%}
    select
        {{ key }},
        day + cast(unnest(range(least(coalesce(until_day, newest_day + 1), newest_day + 1) - day)) as integer) as day{% for column in sums %},
        {{ column }}{% endfor %}
    from {{ states }}
    cross join (select max(day) as newest_day from {{ ref('int_days_covered') }})
    where {{ alive }} and day <= newest_day
{%- endmacro %}

{# The two instants of a feature row: the day boundary (UTC) that it stands at, and when it is published. #}
{% macro feature_instants(day) -%}
    make_timestamptz({{ day_number(day) }} * 86400000000) as event_timestamp,
        make_timestamptz({{ day_number(day) }} * 86400000000 + {{ var('publication_lag_minutes') * 60000000 }}) as created_timestamp
{%- endmacro %}

{# A mean of integers, divided last: null where there is nothing to divide by. #}
{% macro mean(total, count, unit=1) -%}
    cast({{ total }} as double) / nullif({{ count }}, 0){% if unit != 1 %} / {{ unit }}{% endif %}
{%- endmacro %}
