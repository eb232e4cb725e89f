{# Intervals [from_column, until_column) of the same `key` (columns) never overlap; without an end they last for ever. #}
{% test no_overlap(model, key, from_column, until_column) %}
select *
from (
    select
        {{ key | join(', ') }},
        {{ from_column }},
        max(coalesce({{ until_column }}, timestamptz 'infinity')) over (
            partition by {{ key | join(', ') }} order by {{ from_column }} rows between unbounded preceding and 1 preceding
        ) as until_before
    from {{ model }}
)
where {{ from_column }} < until_before
{% endtest %}
