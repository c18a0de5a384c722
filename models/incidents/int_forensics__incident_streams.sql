-- One row per incident and stream that it has detections of: the windows that are concerned there, and when the incident was open.
{%- do dbt_forensics.assert_settings('view') %}
with members as (

    select * from {{ ref('int_forensics__incident_members').render() }}

),

incidents as (

    select * from {{ ref('forensics__incidents').render() }}

),

windows as (

    select
        incident_id,
        stream,
        min(window_start) as window_start,
        max(window_end) as window_end
    from members
    group by incident_id, stream

)

select
    windows.incident_id,
    windows.stream,
    windows.window_start,
    windows.window_end,
    incidents.opened_at,
    incidents.resolved_at
from windows
inner join incidents
    on windows.incident_id = incidents.incident_id
