-- One row per stretch of windows without a row that are over and should be there.
{#-
    Only where windows are hardly ever empty (nine of ten of those that it is compared with have rows), and where the median has as many rows as the threshold.
    Over when a week of windows with rows after it has settled; while the stream is silent, never.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with windows as (

    select * from {{ dbt_forensics._input('int_forensics__judged_windows') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'missing_window' and is_enabled

),

followed_windows as (

    {#- Windows at which the stream rests, and those of which nothing is known, do not end a stretch. Only one with rows does. #}
    select
        *,
        sum(case when row_count > 0 then 1 else 0 end) over (
            partition by stream order by window_number rows between unbounded preceding and current row
        ) as run,
        max(case when is_complete and row_count > 0 then window_end end) over (partition by stream) as complete_until
    from windows

),

gaps as (

    select followed_windows.*
    from followed_windows
    inner join settings
        on followed_windows.stream = settings.stream
    where
        followed_windows.health = 'missing'
        and followed_windows.compared_nonempty_count * 10 >= followed_windows.compared_count * 9
        and followed_windows.expected_count >= settings.threshold

),

stretches as (

    select
        stream,
        min(window_start) as first_window,
        max(window_start) as last_window,
        max(window_end) as last_window_end,
        max(complete_until) as complete_until,
        count(*) as window_count,
        sum(expected_count) as usual_volume
    from gaps
    group by stream, run

)

select
    stretches.stream,
    'missing_window' as detector,
    cast(null as {{ dbt.type_string() }}) as subject,
    {{ dbt_forensics.canonical_text('stretches.first_window', dbt.type_timestamp()) }} as identity_text,
    stretches.first_window as window_start,
    {{ dbt_forensics._end_of_window('stretches.last_window', 'settings') }} as window_end,
    {{ dbt_forensics.severity_of_rank(
        dbt_forensics.severity_rank('settings.severity') ~ ' + case when stretches.window_count >= 3 then 1 else 0 end'
    ) }} as severity,
    cast(0 as {{ number }}) as observed,
    cast(stretches.usual_volume as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'windows': 'stretches.window_count',
        'rows': '0',
        'usual_rows': 'stretches.usual_volume',
    }, {}) }} as evidence,
    stretches.first_window as first_event_at,
    cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    {#- A week after it has settled, and nobody waits for these rows any more. #}
    coalesce(
        stretches.complete_until >= {{ dbt_forensics.time_plus('day', 7, 'stretches.last_window_end') }}, false
    ) as is_over,
    cast(null as {{ dbt.type_timestamp() }}) as touched_at
from stretches
inner join settings
    on stretches.stream = settings.stream
