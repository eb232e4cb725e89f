-- Items and freight equal payments, to the cent, for all but a declared share of the orders that have both.
-- Chosen: 0.05 of the currency absorbs rounding of instalments; in the public Olist data 0.27 % of orders differ by more.
{% set tolerance = 0.05 %}
{% set greatest_share = 0.01 %}

with

compared as (
    select
        count(*) as orders_count,
        count(*) filter (where abs(price + freight - paid) > {{ tolerance }}) as differing_count
    from {{ ref('fct_orders') }}
    where items_count > 0 and payments_count > 0
)

select *
from compared
where differing_count > {{ greatest_share }} * orders_count
