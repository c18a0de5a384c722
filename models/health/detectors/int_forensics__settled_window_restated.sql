-- One row per build that moved values of settled windows by more than the threshold's share of what they showed before.
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

    {#- Dated by the first step that is too large by itself: small corrections before it are none of it. #}
    select
        restating.stream,
        restating.metric,
        restating.window_start,
        restating.dimensions,
        min(restating.version) as version,
        coalesce(
            min(case
                when
                    abs(restating.value - coalesce(restating.previous_value, 0))
                    > abs(coalesce(restating.previous_value, 0)) * settings.threshold
                    then restating.recorded_from
            end),
            min(restating.recorded_from)
        ) as recorded_from,
        max(restating.recorded_from) as last_recorded_from
    from restating
    inner join settings
        on restating.stream = settings.stream
    where restating.version > 1
    group by restating.stream, restating.metric, restating.window_start, restating.dimensions

),

moved_values as (

    {#- A value that is as the window showed it before, after its rows were due, was put right and not restated: what it was in between was wrong. #}
    select
        later.stream,
        later.metric,
        later.window_start,
        later.dimensions,
        min(restated.recorded_from) as recorded_from,
        max(restated.last_recorded_from) as last_recorded_from,
        min({{ dbt_forensics.share_of('abs(later.value - before.value)', 'abs(before.value)') }}) as moved
    from restated
    inner join settings
        on restated.stream = settings.stream
    inner join versions as before
        on
            restated.stream = before.stream
            and restated.metric = before.metric
            and restated.window_start = before.window_start
            and restated.dimensions = before.dimensions
            and restated.version > before.version
            and (restated.version = before.version + 1 or before.recorded_to > {{ dbt_forensics._due_at('before.window_end', 'settings') }})
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

shares_of_hours as (

    select
        stream,
        arrived_hour,
        {{ dbt_forensics.share_of(
            "sum(case when measure = 'too_late' then row_count else 0 end)",
            "sum(case when measure = 'rows' then row_count else 0 end)"
        ) }} as too_late_share
    from hourly
    where measure in ('rows', 'too_late')
    group by stream, arrived_hour
    having sum(case when measure = 'rows' then row_count else 0 end) >= 20

),

ranked_shares as (

    select
        *,
        row_number() over (partition by stream order by too_late_share, arrived_hour) as place,
        count(*) over (partition by stream) as hour_count
    from shares_of_hours

),

usual_shares as (

    {#- The median of the hours of arrival: neither a backlog nor the rows that restated the values make it. #}
    select
        stream,
        max(case when place * 2 in (hour_count, hour_count + 1) then too_late_share end) as too_late_share
    from ranked_shares
    group by stream

),

restatements as (

    {#- What one build restated is one detection, as long as one of these windows shows something else than before. #}
    select
        moved_values.stream,
        moved_values.recorded_from,
        min(moved_values.window_start) as first_window,
        max(moved_values.window_start) as last_window,
        max(moved_values.last_recorded_from) as last_recorded_from,
        max(moved_values.moved) as moved,
        count(*) as value_count,
        count(distinct moved_values.window_start) as window_count,
        max(moved_values.metric) as metric
    from moved_values
    left join usual_shares
        on moved_values.stream = usual_shares.stream
    inner join settings
        on moved_values.stream = settings.stream
    where moved_values.moved > settings.threshold + coalesce(usual_shares.too_late_share, 0) * 2
    group by moved_values.stream, moved_values.recorded_from

)

select
    restatements.stream,
    'settled_window_restated' as detector,
    cast(null as {{ dbt.type_string() }}) as subject,
    {{ dbt_forensics.canonical_text('restatements.recorded_from', dbt.type_timestamp()) }} as identity_text,
    restatements.first_window as window_start,
    {{ dbt_forensics._end_of_window('restatements.last_window', 'settings') }} as window_end,
    settings.severity,
    cast(restatements.moved as {{ number }}) as observed,
    cast(0 as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'values': 'restatements.value_count',
        'windows': 'restatements.window_count',
        'largest_share': 'restatements.moved',
    }, {
        'metric': 'restatements.metric',
    }) }} as evidence,
    restatements.first_window as first_event_at,
    restatements.recorded_from as first_arrived_at,
    restatements.last_recorded_from as last_arrived_at,
    {{ dbt_forensics._is_past('restatements.last_recorded_from') }} as is_over,
    restatements.last_recorded_from as touched_at
from restatements
inner join settings
    on restatements.stream = settings.stream
