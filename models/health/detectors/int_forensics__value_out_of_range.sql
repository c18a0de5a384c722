-- One row per hour of arrival and rule that the stream declares: rows that broke it.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

rules as (

    select * from {{ dbt_forensics._input('int_forensics__rules') }}

)

select
    hourly.stream,
    'value_out_of_range' as detector,
    'hour' as grain,
    hourly.measure,
    hourly.subject,
    hourly.arrived_hour as bucket_start,
    hourly.row_count as part,
    hourly.hour_count as whole,
    0 as tolerated,
    hourly.touched_at
from hourly
inner join rules
    on hourly.stream = rules.stream and hourly.subject = rules.rule
where hourly.measure = 'rule' and hourly.hour_count > 0
