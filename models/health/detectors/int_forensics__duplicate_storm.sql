-- One row per hour of arrival: rows that repeat an event without saying anything new.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

)

select
    stream,
    'duplicate_storm' as detector,
    'hour' as grain,
    measure,
    subject,
    arrived_hour as bucket_start,
    row_count as part,
    hour_count as whole,
    0 as tolerated,
    touched_at
from hourly
where measure = 'duplicate' and hour_count > 0
