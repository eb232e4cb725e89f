{# What the life of a parcel looks like in scans. #}

{# The place of an event within one visit to a hub; those of the last mile come in the order of their clocks. #}
{% macro scan_stage(event) -%}
    case {{ event }} when 'picked_up' then 0 when 'arrived' then 1 when 'sorted' then 2 else 3 end
{%- endmacro %}

{# Whether `event` may come straight after `before`, at a hub that is the same one or not. #}
{% macro is_next_scan(before, event, is_same_hub, is_sent_here) -%}
    case {{ before }}
            when 'picked_up' then {{ event }} in ('arrived', 'sorted')
            when 'arrived' then {{ event }} = 'sorted' and {{ is_same_hub }}
            when 'sorted' then {{ event }} in ('departed', 'out_for_delivery') and {{ is_same_hub }}
            when 'departed' then {{ event }} = 'arrived' and {{ is_sent_here }}
            when 'out_for_delivery' then {{ event }} in ('attempted', 'delivered') and {{ is_same_hub }}
            when 'attempted' then {{ event }} in ('out_for_delivery', 'delivered', 'returned') and {{ is_same_hub }}
            else false
        end
{%- endmacro %}
