-- One row per metric and window whose changes by cause do not add up, or have a part that nothing explains.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with versions as (

    select * from {{ ref('forensics__metric_versions') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'unexplained_change' and is_enabled

),

unexplained as (

    {{ dbt_forensics.unexplained_versions(ref('int_forensics__metric_log'), ref('int_forensics__watch_log')) }}

),

unexplained_values as (

    select
        unexplained.stream,
        unexplained.metric,
        unexplained.window_start,
        max(versions.window_end) as window_end,
        count(distinct unexplained.version) as version_count,
        min(versions.recorded_from) as recorded_from
    from unexplained
    inner join versions
        on
            unexplained.stream = versions.stream
            and unexplained.metric = versions.metric
            and unexplained.window_start = versions.window_start
            and unexplained.dimensions = versions.dimensions
            and unexplained.version = versions.version
    group by unexplained.stream, unexplained.metric, unexplained.window_start

)

select
    metrics.stream,
    'unexplained_change' as detector,
    metrics.metric as subject,
    {{ dbt_forensics.canonical_text('metrics.window_start', dbt.type_timestamp()) }} as identity_text,
    metrics.window_start,
    metrics.window_end,
    settings.severity,
    cast(metrics.version_count as {{ number }}) as observed,
    cast(0 as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'versions': 'metrics.version_count',
    }, {
        'metric': 'metrics.metric',
    }) }} as evidence,
    metrics.window_start as first_event_at,
    metrics.recorded_from as first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    false as is_over,
    metrics.recorded_from as touched_at
from unexplained_values as metrics
inner join settings
    on metrics.stream = settings.stream
where metrics.version_count >= settings.threshold
