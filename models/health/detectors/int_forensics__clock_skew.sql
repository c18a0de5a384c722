-- One row per hour of arrival: rows whose event is further after their arrival than clock_skew allows.
{#-
    Hours in which the whole feed is moved are a constant_offset.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

offset_runs as (

    select * from {{ dbt_forensics._input('int_forensics__offset_runs') }}

)

select
    stream,
    'clock_skew' as detector,
    'hour' as grain,
    measure,
    subject,
    arrived_hour as bucket_start,
    row_count as part,
    hour_count as whole,
    0 as tolerated,
    touched_at
from hourly
where
    measure = 'future'
    and hour_count > 0
    and not exists (
        select 1
        from offset_runs
        where
            hourly.stream = offset_runs.stream
            and hourly.arrived_hour between offset_runs.first_hour and offset_runs.last_hour
    )
