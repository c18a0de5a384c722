-- One row per detection that is not silenced, with the incident that it is of.
{#-
    Detections of one stream whose windows overlap or touch are of one incident. It is named after the one of them that was seen first, so that it keeps
    its name as it grows.
#}
{%- do dbt_forensics.assert_settings('view') %}
with detections as (

    select * from {{ ref('forensics__detections').render() }}

),

placed as (

    select *
    from detections
    where not is_silenced and window_start is not null and window_end is not null

),

reaching as (

    select
        *,
        max(window_end) over (
            partition by stream order by window_start, window_end, detection_id
            rows between unbounded preceding and 1 preceding
        ) as reached_before
    from placed

),

in_islands as (

    select
        *,
        sum(case when window_start <= reached_before then 0 else 1 end) over (
            partition by stream order by window_start, window_end, detection_id
            rows between unbounded preceding and current row
        ) as island
    from reaching

),

with_founder as (

    select
        *,
        first_value(detection_id) over (
            partition by stream, island order by first_detected_at, window_start, detection_id
            rows between unbounded preceding and unbounded following
        ) as founder
    from in_islands

)

select
    {{ dbt.hash("stream || '/' || founder") }} as incident_id,
    detection_id,
    detector,
    stream,
    subject,
    window_start,
    window_end,
    severity,
    observed,
    expected,
    evidence,
    first_event_at,
    first_arrived_at,
    last_arrived_at,
    first_detected_at,
    last_detected_at,
    resolved_at,
    is_open,
    times_opened
from with_founder
