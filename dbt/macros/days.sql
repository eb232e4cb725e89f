{# Days are UTC days. A fact known during day d is first seen by the row stamped at the start of day d + 1. #}

{# The first day boundary (as a date) whose row may see a fact known at `instant`. #}
{% macro seen_from(instant) -%}
    (cast(timezone('UTC', {{ instant }}) as date) + 1)
{%- endmacro %}

{# The instant at which the UTC day `day` begins. #}
{% macro day_boundary(day) -%}
    timezone('UTC', cast({{ day }} as timestamp))
{%- endmacro %}

{# The local day of an instant in the world's zone. #}
{% macro local_day(instant) -%}
    cast(timezone('{{ env_var("TRADEWIND_DBT_ZONE", "America/Sao_Paulo") }}', {{ instant }}) as date)
{%- endmacro %}

{# Whole seconds from one instant to a later one; null where either is absent or they stand the wrong way round. #}
{% macro seconds_between(earlier, later) -%}
    case when {{ later }} >= {{ earlier }} then cast(epoch({{ later }}) as bigint) - cast(epoch({{ earlier }}) as bigint) end
{%- endmacro %}
