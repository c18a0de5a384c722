-- One row per stream and window that rows fell into: how many of which kind, summed over all builds.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with profile as (

    select * from {{ ref('int_forensics__row_profile') }}

)

select
    stream,
    window_start,
    {%- for measure in dbt_forensics.row_measures() + ['missing'] %}
    sum(case when measure = '{{ measure }}' then row_count else 0 end) as {{ measure }}_count,
    {%- endfor %}
    min(case when measure = 'rows' then first_event_at end) as first_event_at,
    min(case when measure = 'rows' then first_arrived_at end) as first_arrived_at,
    max(recorded_at) as touched_at
from profile
where window_start is not null
group by stream, window_start
