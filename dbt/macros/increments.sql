{# What a build after new days takes: only tradewind_lifecycle.warehouse knows since when a landing table changed; without it nothing has. #}

{# The least `changed_at` of the rows of a landing table that landed since the newest build. #}
{% macro changed_since(table) -%}
    timestamptz '{{ env_var("TRADEWIND_DBT_CHANGED_SINCE_" ~ (table | upper), "infinity") }}'
{%- endmacro %}

{# Whether a row is of a parcel of which `scans` (a relation) has one that landed since the newest build: all its scans are ordered anew. #}
{% macro is_of_parcel_scanned_since(scans) -%}
    parcel_id in (
        select parcel_id
        from {{ scans }}
        where changed_at >= {{ changed_since('scan_events') }}
    )
{%- endmacro %}
