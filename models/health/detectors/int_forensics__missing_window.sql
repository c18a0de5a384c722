-- One row per stretch of windows without a row that are over and should be there.
{#-
    Only where windows are hardly ever empty (nine of ten of those that it is compared with have rows), and where the median has as many rows as the threshold.
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

gaps as (

    select
        windows.*,
        windows.window_number - row_number() over (partition by windows.stream order by windows.window_number) as run
    from windows
    inner join settings
        on windows.stream = settings.stream
    where
        windows.is_gap
        and windows.compared_nonempty_count * 10 >= windows.compared_count * 9
        and windows.expected_count >= settings.threshold

),

stretches as (

    select
        stream,
        min(window_start) as first_window,
        max(window_start) as last_window,
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
    false as is_over,
    cast(null as {{ dbt.type_timestamp() }}) as touched_at
from stretches
inner join settings
    on stretches.stream = settings.stream
