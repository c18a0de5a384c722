-- One row per stretch of hours in which the whole feed is moved against the clock by hours, as when a local time is labelled UTC.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with runs as (

    select * from {{ dbt_forensics._input('int_forensics__offset_runs') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'constant_offset' and is_enabled

)

select
    runs.stream,
    'constant_offset' as detector,
    cast(null as {{ dbt.type_string() }}) as subject,
    {{ dbt_forensics.canonical_text('runs.first_hour', dbt.type_timestamp()) }} as identity_text,
    {{ dbt_forensics._start_of_window('runs.first_event_at', 'settings') }} as window_start,
    {{ dbt_forensics._end_of_window('runs.last_arrived_at', 'settings') }} as window_end,
    settings.severity,
    cast(runs.usual_minutes + runs.shift_minutes as {{ number }}) as observed,
    cast(runs.usual_minutes as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'rows': 'runs.row_count',
        'moved_by_minutes': 'runs.shift_minutes',
        'fastest_minutes': 'runs.fastest_minutes',
    }, {
        'since': "case when runs.is_from_first_row then 'the first row' end",
    }) }} as evidence,
    runs.first_event_at,
    runs.first_arrived_at,
    runs.last_arrived_at,
    runs.is_over,
    runs.touched_at
from runs
inner join settings
    on runs.stream = settings.stream
