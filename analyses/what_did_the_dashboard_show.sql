-- What did the dashboard show at a time? One row per window of a metric that had a value then, beside its value now. Change the two values in `asked`.
with asked as (

    select
        'revenue' as metric,
        cast('2026-01-06 03:00:00' as {{ dbt.type_timestamp() }}) as shown_at

),

versions as (

    select * from {{ ref('forensics__metric_versions') }}

),

shown as (

    select
        asked.shown_at,
        versions.*
    from asked
    inner join versions
        on
            asked.metric = versions.metric
            and asked.shown_at >= versions.recorded_from
            and (asked.shown_at < versions.recorded_to or versions.recorded_to is null)

),

compared as (

    select
        shown.stream,
        shown.metric,
        shown.window_start,
        shown.dimensions,
        shown.shown_at,
        shown.value as value_then,
        shown.version as version_then,
        shown.recorded_from,
        shown.origin,
        current_versions.value as value_now,
        current_versions.version as version_now,
        coalesce(current_versions.value, 0) - coalesce(shown.value, 0) as change_since
    from shown
    inner join versions as current_versions
        on
            shown.stream = current_versions.stream
            and shown.metric = current_versions.metric
            and shown.window_start = current_versions.window_start
            and shown.dimensions = current_versions.dimensions
            and current_versions.is_current

)

select * from compared
order by stream, window_start, dimensions
