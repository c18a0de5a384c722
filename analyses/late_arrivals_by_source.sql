-- From which sources do rows come late? One row per tenant, type of event and schema version of a stream, among rows that arrived at a time or
-- later: how many came after their deadline, and by how much. The worst first. Change the two values in `asked`.
with asked as (

    select
        'orders' as stream_name,
        cast('2026-01-05 00:00:00' as {{ dbt.type_timestamp() }}) as arrived_from

),

events as (

    select * from {{ ref('forensics__verdicts') }}

),

sources as (

    select
        events.stream,
        events.tenant,
        events.event_type,
        events.schema_version,
        count(*) as row_count,
        count(case when events.timeliness = 'late' then 1 end) as late_count,
        count(case when events.timeliness = 'too_late' then 1 end) as too_late_count,
        count(distinct events.batch_id) as batch_count,
        count(
            distinct case when events.timeliness in ('late', 'too_late') then events.batch_id end
        ) as late_batch_count,
        max(events.lateness_seconds) as max_lateness_seconds,
        min(events.ingested_at) as first_ingested_at,
        max(events.ingested_at) as last_ingested_at
    from asked
    inner join events
        on asked.stream_name = events.stream and asked.arrived_from <= events.ingested_at
    group by events.stream, events.tenant, events.event_type, events.schema_version

),

shares as (

    select
        *,
        cast(100.0 * (late_count + too_late_count) / row_count as numeric(5, 1)) as late_percent
    from sources

)

select * from shares
order by late_percent desc, row_count desc, tenant asc, event_type asc, schema_version asc
