-- One row per hour of arrival and rule of the package: rows that could not be read (no event id, no time, no number where one must be).
{%- do dbt_forensics.assert_settings('ephemeral') %}
with hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

rules as (

    select * from {{ dbt_forensics._input('int_forensics__rules') }}

)

select
    hourly.stream,
    'unparseable_payload' as detector,
    'hour' as grain,
    hourly.measure,
    hourly.subject,
    hourly.arrived_hour as bucket_start,
    hourly.row_count as part,
    hourly.hour_count as whole,
    0 as tolerated,
    hourly.touched_at
from hourly
left join rules
    on hourly.stream = rules.stream and hourly.subject = rules.rule
where hourly.measure = 'rule' and hourly.hour_count > 0 and rules.rule is null
