-- One row per captured row and time at which its relation did not have it any more.
{%- do dbt_forensics.assert_settings('view') %}
with changes as (

    select * from {{ ref('int_forensics__presence_changes').render() }}

),

followed as (

    select
        stream,
        row_key,
        event_id,
        batch_id,
        event_time,
        ingested_at,
        change_kind,
        recorded_at as vanished_at,
        lead(recorded_at) over (
            partition by stream, row_key order by recorded_at, presence_change
        ) as returned_at
    from changes
    where presence_change <> 0

),

vanished as (

    select
        stream,
        row_key,
        event_id,
        batch_id,
        event_time,
        ingested_at,
        change_kind = 'moved' as is_moved,
        vanished_at,
        returned_at
    from followed
    where change_kind in ('gone', 'moved', 'restored')

)

select * from vanished
