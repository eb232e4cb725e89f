{# Days are UTC days. A fact known during day d is first seen by the row stamped at the start of day d + 1. #}

{# The first day boundary (as a date) whose row may see a fact known at `instant`. #}
{% macro seen_from(instant) -%}
    (date '1970-01-01' + cast(epoch_us({{ instant }}) // 86400000000 as integer) + 1)
{%- endmacro %}

{# The local day of an instant in the world's zone. #}
{% macro local_day(instant) -%}
    cast(timezone('{{ env_var("TRADEWIND_DBT_ZONE", "America/Sao_Paulo") }}', {{ instant }}) as date)
{%- endmacro %}

{# Whole seconds from one instant to a later one; null where either is absent or they stand the wrong way round. #}
{% macro seconds_between(earlier, later) -%}
    case when {{ later }} >= {{ earlier }} then cast(epoch({{ later }}) as bigint) - cast(epoch({{ earlier }}) as bigint) end
{%- endmacro %}

{# Days since 1970, so that days can be summed. #}
{% macro day_number(day) -%}
    ({{ day }} - date '1970-01-01')
{%- endmacro %}
