-- One row per settled window of a stream that values moved in, by more than the threshold's share of what they showed before.
{#-
    And by more than twice the share of rows that are commonly too late in the stream. What had arrived before the window was settled and was only recorded then is
    growth. Versions of at least twenty rows.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with versions as (

    select * from {{ ref('forensics__metric_versions') }}

),

hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'settled_window_restated' and is_enabled

),

restating as (

    {{ dbt_forensics.restated_versions(
        ref('forensics__metric_versions'), ref('forensics__metric_changes'), ref('forensics__streams'), ['definition_changed']
    ) }}

),

restated as (

    select
        stream,
        metric,
        window_start,
        dimensions,
        min(version) as version,
        min(recorded_from) as recorded_from,
        max(recorded_from) as last_recorded_from
    from restating
    where version > 1
    group by stream, metric, window_start, dimensions

),

moved_values as (

    select
        later.stream,
        later.metric,
        later.window_start,
        later.dimensions,
        min(restated.recorded_from) as recorded_from,
        max(restated.last_recorded_from) as last_recorded_from,
        {{ dbt_forensics.share_of('abs(max(later.value) - max(before.value))', 'max(abs(before.value))') }} as moved
    from restated
    inner join versions as before
        on
            restated.stream = before.stream
            and restated.metric = before.metric
            and restated.window_start = before.window_start
            and restated.dimensions = before.dimensions
            and restated.version = before.version + 1
    inner join versions as later
        on
            restated.stream = later.stream
            and restated.metric = later.metric
            and restated.window_start = later.window_start
            and restated.dimensions = later.dimensions
            and later.is_current
    where before.input_count >= 20 and before.definition_digest = later.definition_digest
    group by later.stream, later.metric, later.window_start, later.dimensions

),

usual_shares as (

    select
        stream,
        {{ dbt_forensics.share_of(
            "sum(case when measure = 'too_late' then row_count else 0 end)",
            "sum(case when measure = 'rows' then row_count else 0 end)"
        ) }} as too_late_share
    from hourly
    group by stream

),

windows as (

    select
        moved_values.stream,
        moved_values.window_start,
        min(moved_values.recorded_from) as recorded_from,
        max(moved_values.last_recorded_from) as last_recorded_from,
        max(moved_values.moved) as moved,
        count(*) as value_count,
        max(moved_values.metric) as metric,
        coalesce(max(usual_shares.too_late_share), 0) as too_late_share
    from moved_values
    left join usual_shares
        on moved_values.stream = usual_shares.stream
    group by moved_values.stream, moved_values.window_start

)

select
    windows.stream,
    'settled_window_restated' as detector,
    cast(null as {{ dbt.type_string() }}) as subject,
    {{ dbt_forensics.canonical_text('windows.window_start', dbt.type_timestamp()) }} as identity_text,
    windows.window_start,
    {{ dbt_forensics._end_of_window('windows.window_start', 'settings') }} as window_end,
    settings.severity,
    cast(windows.moved as {{ number }}) as observed,
    cast(0 as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'values': 'windows.value_count',
        'largest_share': 'windows.moved',
    }, {
        'metric': 'windows.metric',
    }) }} as evidence,
    windows.window_start as first_event_at,
    windows.recorded_from as first_arrived_at,
    windows.last_recorded_from as last_arrived_at,
    {{ dbt_forensics._is_past('windows.last_recorded_from') }} as is_over,
    windows.last_recorded_from as touched_at
from windows
inner join settings
    on windows.stream = settings.stream
where windows.moved > settings.threshold + windows.too_late_share * 2
