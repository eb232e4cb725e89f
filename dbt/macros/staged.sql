{# The staging model of a landing table, of whichever source fills the world. #}
{% macro staged(table) -%}
    {{ ref('stg_' ~ env_var('TRADEWIND_DBT_SOURCE', 'olist') ~ '__' ~ table) }}
{%- endmacro %}
