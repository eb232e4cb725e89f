-- One row per creator, as declared when joining.
with

creators as (
    select * from {{ staged('creators') }}
),

final as (
    select
        creator_id,
        joined_at,
        channel,
        category,
        followers_count,
        state,
        changed_at
    from creators
)

select * from final
