-- One row per stretch of windows with far fewer, or far more, events than usual at their hour and weekday.
{#-
    Rows that were replaced in place count once. A low stretch stays open until its rows arrive, or until a week of windows after it has settled; a high one
    closes at the next normal window. Medians below twenty rows say nothing.
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

complete_windows as (

    select
        *,
        max(case when is_complete and row_count > 0 then window_end end) over (partition by stream) as complete_until
    from windows

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
    from complete_windows
    where expected_count >= 20

),

followed_windows as (

    {#- Windows in which nothing came, or of which nothing is expected, do not end a stretch. #}
    select
        *,
        sum(case when event_count > 0 and expected_low > 0 and coalesce(side, '') <> 'low' then 1 else 0 end) over (
            partition by stream order by window_number rows between unbounded preceding and current row
        ) as not_low_before,
        sum(case when expected_high is not null and coalesce(side, '') <> 'high' then 1 else 0 end) over (
            partition by stream order by window_number rows between unbounded preceding and current row
        ) as not_high_before
    from sides

),

runs as (

    select
        *,
        case side when 'low' then not_low_before else not_high_before end as run
    from followed_windows
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
        max(last_due_number) as last_due_number,
        max(window_end) as last_window_end,
        max(complete_until) as complete_until
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
    coalesce(case
        when stretches.side = 'high' then stretches.last_number < stretches.last_due_number
        {#- A week after it has settled, and nobody waits for these rows any more. #}
        else stretches.complete_until >= {{ dbt_forensics.time_plus('day', 7, 'stretches.last_window_end') }}
    end, false) as is_over,
    stretches.touched_at
from stretches
inner join settings
    on stretches.stream = settings.stream
