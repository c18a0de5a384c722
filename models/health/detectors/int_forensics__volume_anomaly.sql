-- One row per stretch of windows with far fewer, or far more, events than usual at their hour and weekday.
{#-
    Rows that were replaced in place count once. A low stretch stays open until its rows arrive; a high one closes at the next normal window. Medians below twenty rows say nothing.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with windows as (

    select * from {{ dbt_forensics._input('int_forensics__judged_windows') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'volume_anomaly' and is_enabled

),

sides as (

    select
        *,
        max(case when is_due and event_count > 0 then window_number end) over (partition by stream) as last_due_number,
        case
            when is_due and event_count > 0 and event_count < expected_low then 'low'
            when
                event_count - lost_count > expected_high
                and event_count - lost_count - expected_count >= 20
                then 'high'
        end as side
    from windows
    where expected_count >= 20

),

runs as (

    select
        *,
        window_number - row_number() over (partition by stream, side order by window_number) as run
    from sides
    where side is not null

),

stretches as (

    select
        stream,
        side,
        min(window_start) as first_window,
        max(window_start) as last_window,
        count(*) as window_count,
        sum(event_count) as volume,
        sum(expected_count) as usual_volume,
        min(first_event_at) as first_event_at,
        min(first_arrived_at) as first_arrived_at,
        max(touched_at) as touched_at,
        max(window_number) as last_number,
        max(last_due_number) as last_due_number
    from runs
    group by stream, side, run

)

select
    stretches.stream,
    'volume_anomaly' as detector,
    stretches.side as subject,
    stretches.side || ' ' || {{ dbt_forensics.canonical_text('stretches.first_window', dbt.type_timestamp()) }} as identity_text,
    stretches.first_window as window_start,
    {{ dbt_forensics._end_of_window('stretches.last_window', 'settings') }} as window_end,
    settings.severity,
    cast(stretches.volume as {{ number }}) as observed,
    cast(stretches.usual_volume as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'windows': 'stretches.window_count',
        'rows': 'stretches.volume',
        'usual_rows': 'stretches.usual_volume',
    }, {
        'side': 'stretches.side',
    }) }} as evidence,
    coalesce(stretches.first_event_at, stretches.first_window) as first_event_at,
    stretches.first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    stretches.side = 'high' and stretches.last_number < stretches.last_due_number as is_over,
    stretches.touched_at
from stretches
inner join settings
    on stretches.stream = settings.stream
