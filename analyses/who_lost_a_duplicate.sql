-- Who lost a duplicate, and to whom? One row per row of a stream, arrived at a time or later, that another row of its event stands for. Change the two
-- values in `asked`.
with asked as (

    select
        'orders' as stream_name,
        cast('2026-01-05 00:00:00' as {{ dbt.type_timestamp() }}) as arrived_from

),

events as (

    select * from {{ ref('forensics__verdicts') }}

),

lost as (

    select
        losers.event_id,
        losers.verdict,
        losers.ingested_at,
        losers.batch_id,
        losers.payload,
        winners.verdict as winner_verdict,
        winners.ingested_at as winner_ingested_at,
        winners.batch_id as winner_batch_id,
        winners.payload as winner_payload,
        losers.row_key,
        losers.lost_to_row_key
    from asked
    inner join events as losers
        on asked.stream_name = losers.stream and asked.arrived_from <= losers.ingested_at
    inner join events as winners
        on losers.lost_to_row_key = winners.row_key

)

select * from lost
order by event_id, ingested_at, row_key
