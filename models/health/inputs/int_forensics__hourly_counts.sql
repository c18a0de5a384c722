-- One row per stream, hour of arrival, measure and subject: what is counted of the rows that arrived in the hour, but for their delays.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with profile as (

    select * from {{ ref('int_forensics__row_profile') }}

)

select
    stream,
    arrived_hour,
    measure,
    subject,
    sum(row_count) as row_count,
    {#- Beside it, how many rows came in all, and how many of them repeat others. #}
    sum(sum(case when measure = 'rows' then row_count else 0 end)) over (partition by stream, arrived_hour) as hour_count,
    sum(sum(case when measure = 'duplicate' then row_count else 0 end)) over (partition by stream, arrived_hour) as hour_duplicates,
    min(first_event_at) as first_event_at,
    min(first_arrived_at) as first_arrived_at,
    max(last_arrived_at) as last_arrived_at,
    min(recorded_at) as recorded_at,
    max(recorded_at) as touched_at
from profile
where arrived_hour is not null and measure <> 'delay'
group by stream, arrived_hour, measure, subject
having sum(profile.row_count) > 0
