{# Pace: what happened, over what was to be expected of the whole network on the same days at the same ages.

A spell is the time that a parcel waits for one event, from `start_day` to `event_day` (null while it has not happened). On each day of
it the event either happens or does not; the network's hazard of that day and age says how often it does. Observed over expected
compares like with like: it needs no finished parcels, so recent days are not biased towards the quick ones. (Standardised ratio of
the follow-up time; Breslow and Day, Statistical Methods in Cancer Research II, 1987, chapter 2.) #}

{# One row per spell and day at risk, up to `longest_days` days old: `keys`, `day`, `age`, `is_event`. #}
{% macro days_at_risk(spells, keys, longest_days) -%}
    select
        {% for key in keys %}{{ key }},
        {% endfor %}start_day + age as day,
        age,
        start_day + age = event_day as is_event
    from (
        select
            {% for key in keys %}{{ key }},
            {% endfor %}start_day,
            event_day,
            cast(unnest(range(
                least(coalesce(event_day, newest_day), newest_day, start_day + {{ longest_days }}) - start_day + 1
            )) as integer) as age
        from {{ spells }}
        cross join (select max(day) as newest_day from {{ ref('int_days_covered') }})
    )
{%- endmacro %}

{# One row per `key` and day at risk, for one stage: `observed` events, and `expected` ones in billionths. #}
{% macro observed_and_expected(spells, stage, key) -%}
    select
        at_risk.{{ key }},
        at_risk.day,
        count(*) filter (where at_risk.is_event) as {{ stage }}_observed,
        cast(sum(hazards.hazard_billionths) as bigint) as {{ stage }}_expected
    from (
        {{ days_at_risk(spells, [key], var('longest_' ~ stage ~ '_spell_days')) }}
    ) as at_risk
    inner join {{ ref('int_network_hazards') }} as hazards
        on at_risk.day = hazards.day and at_risk.age = hazards.age and hazards.stage = '{{ stage }}'
    group by at_risk.{{ key }}, at_risk.day
{%- endmacro %}

{# The logarithm of observed over expected in the last `days` days, drawn to 0 by a prior of some events: above 0 is quicker than the network. #}
{% macro pace(stage, days) -%}
    ln(
            ({{ in_last(days, stage ~ '_observed') }} + {{ var('pace_prior_events') }})
            / (cast({{ in_last(days, stage ~ '_expected') }} as double) / 1000000000 + {{ var('pace_prior_events') }})
        )
{%- endmacro %}

{# Pace of a key's transits over several windows of days; the CTEs of a model from `spells` to `final`.

They read a CTE `parcels`: rows of fct_parcels with `key` that were handed over. A key's rows end some days after it last had a transit. #}
{% macro transit_pace(key, windows, cold_after_days=var('cold_after_days')) -%}
{%- set sums = ['transit_observed', 'transit_expected'] -%}
spells as (
    select
        {{ key }},
        {{ seen_from('handed_over_at') }} as start_day,
        {{ seen_from('transit_known_at') }} as event_day
    from parcels
),

facts as (
    {{ observed_and_expected('spells', 'transit', key) }}
),

totals as (
    {{ totals('facts', key, sums) }}
),

days as (
    {{ daily_totals('totals', key, sums) }}
),

paces as (
    select
        {{ key }},
        day,
        changed_day{% for window in windows %},
        {{ pace('transit', window) }} as transit_pace_{{ window }}d{% endfor %}
    from days
    window history as (partition by {{ key }} order by day)
),

final as (
    select
        {{ key }},
        {{ feature_instants('day') }}{% for window in windows %},
        transit_pace_{{ window }}d{% endfor %}
    from paces
    where day < changed_day + {{ cold_after_days }}
)
{%- endmacro %}
