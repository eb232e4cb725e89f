{# Schemas are layers (staging, marts, …) and carry no prefix: a world has a warehouse of its own. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
