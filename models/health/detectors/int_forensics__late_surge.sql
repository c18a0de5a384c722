-- One row per window: rows that arrived after its deadline.
{#-
    What arrived while the whole feed was moved is a constant_offset, unless it was moved for most of the time: then being late by so much is usual.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with profile as (

    select * from {{ ref('int_forensics__row_profile') }}

),

windows as (

    select * from {{ dbt_forensics._input('int_forensics__judged_windows') }}

),

offset_runs as (

    select * from {{ dbt_forensics._input('int_forensics__offset_runs') }}

)

select
    profile.stream,
    'late_surge' as detector,
    'window' as grain,
    'late' as measure,
    profile.subject,
    profile.window_start as bucket_start,
    sum(profile.row_count) as part,
    max(windows.row_count) as whole,
    0 as tolerated,
    max(profile.recorded_at) as touched_at
from profile
inner join windows
    on profile.stream = windows.stream and profile.window_start = windows.window_start
left join offset_runs
    on
        profile.stream = offset_runs.stream
        and profile.arrived_hour between offset_runs.first_hour and offset_runs.last_hour
        and not offset_runs.is_usual
where profile.measure in ('late', 'too_late') and offset_runs.stream is null
group by profile.stream, profile.subject, profile.window_start
