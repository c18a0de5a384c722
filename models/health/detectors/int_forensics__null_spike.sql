-- One row per hour of arrival and column: rows without a value in it.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

)

select
    stream,
    'null_spike' as detector,
    'hour' as grain,
    measure,
    subject,
    arrived_hour as bucket_start,
    row_count as part,
    hour_count as whole,
    0 as tolerated,
    touched_at
from hourly
where measure = 'null' and hour_count > 0
