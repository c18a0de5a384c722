-- One row per stream, hour of arrival, measure and subject: what is counted of the rows that arrived in the hour, but for their delays and values.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with profile as (

    select * from {{ ref('int_forensics__row_profile') }}

)

select
    counted.stream,
    counted.arrived_hour,
    counted.measure,
    counted.subject,
    sum(counted.row_count) as row_count,
    {#- Beside it, how many rows came in all, and how many of them repeat others. #}
    {%- for name, measure in {'hour_count': 'rows', 'hour_duplicates': 'duplicate'}.items() %}
    sum(sum(case when counted.measure = '{{ measure }}' then counted.row_count else 0 end))
        over (partition by counted.stream, counted.arrived_hour) as {{ name }},
    {%- endfor %}
    min(counted.first_event_at) as first_event_at,
    min(counted.first_arrived_at) as first_arrived_at,
    max(counted.last_arrived_at) as last_arrived_at,
    min(counted.recorded_at) as recorded_at,
    max(counted.recorded_at) as touched_at
from profile as counted
where counted.arrived_hour is not null and counted.measure not in ('delay', 'bin')
group by counted.stream, counted.arrived_hour, counted.measure, counted.subject
having sum(counted.row_count) > 0
