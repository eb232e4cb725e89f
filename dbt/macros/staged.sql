{# The staging model of a landing table, of whichever source fills the world. #}
{% macro staged(table) -%}
    {{ ref('stg_' ~ env_var('TRADEWIND_DBT_SOURCE', 'simulator') ~ '__' ~ table) }}
{%- endmacro %}
