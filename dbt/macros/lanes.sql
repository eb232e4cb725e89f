{# Lane keys, the same as tradewind_contracts.ids builds them (a contract test holds them equal). #}

{% macro state_lane_id(origin_state, destination_state) -%}
    {{ origin_state }} || '-' || {{ destination_state }}
{%- endmacro %}

{% macro prefix_lane_id(origin_postal_area_id, destination_postal_area_id, digits) -%}
    left({{ origin_postal_area_id }}, {{ digits }}) || '-' || left({{ destination_postal_area_id }}, {{ digits }})
{%- endmacro %}
