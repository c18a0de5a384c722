-- Why did this metric change? One row per version of its value in a window and cause of the change. Change the two values in `asked`.
with asked as (

    select
        'revenue' as metric,
        cast('2026-01-05 00:00:00' as {{ dbt.type_timestamp() }}) as window_start

),

versions as (

    select * from {{ ref('forensics__metric_versions') }}

),

changes as (

    select * from {{ ref('forensics__metric_changes') }}

),

explained as (

    select
        versions.stream,
        versions.dimensions,
        versions.version,
        versions.recorded_from,
        versions.recorded_to,
        versions.previous_value,
        versions.value,
        changes.cause,
        changes.change,
        changes.event_count,
        changes.sample_event_ids,
        changes.first_arrived_at,
        changes.last_arrived_at,
        versions.is_settled,
        {{ dbt_forensics.cause_rank('changes.cause') }} as cause_rank
    from asked
    inner join versions
        on asked.metric = versions.metric and asked.window_start = versions.window_start
    inner join changes
        on
            versions.stream = changes.stream
            and versions.metric = changes.metric
            and versions.window_start = changes.window_start
            and versions.dimensions = changes.dimensions
            and versions.version = changes.version

)

select * from explained
order by stream, dimensions, version, cause_rank
