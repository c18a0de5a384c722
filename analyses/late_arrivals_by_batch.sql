-- Which deliveries were late? One row per batch of a stream, arrived at a time or later, with a row after its deadline. Change the two values in `asked`.
with asked as (

    select
        'orders' as stream_name,
        cast('2026-01-05 00:00:00' as {{ dbt.type_timestamp() }}) as arrived_from

),

events as (

    select * from {{ ref('forensics__verdicts') }}

),

delivered as (

    select
        events.stream,
        events.batch_id,
        min(events.ingested_at) as first_ingested_at,
        count(*) as row_count,
        count(case when events.timeliness = 'late' then 1 end) as late_count,
        count(case when events.timeliness = 'too_late' then 1 end) as too_late_count,
        count(case when events.is_out_of_order then 1 end) as out_of_order_count,
        max(events.lateness_seconds) as max_lateness_seconds,
        min(events.window_start) as earliest_window_start
    from asked
    inner join events
        on asked.stream_name = events.stream and asked.arrived_from <= events.ingested_at
    group by events.stream, events.batch_id

),

late as (

    select * from delivered
    where late_count + too_late_count > 0

)

select * from late
order by first_ingested_at, batch_id
