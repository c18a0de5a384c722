-- One row per detection that is not silenced, with the incident that it is of.
{#-
    Detections of one stream whose windows overlap or touch are of one incident, if they were there at one time too: what is found after the last of them was over is
    another incident. It is identified by the one of them that was seen first, so that it keeps its id as it grows.
#}
{%- do dbt_forensics.assert_settings('view') %}
with detections as (

    select * from {{ ref('forensics__detections').render() }}

),

placed as (

    {#- What has no window, such as rows without a time, is of the day on which it arrived or was found. #}
    select
        *,
        coalesce(window_start, {{ dbt_forensics.window_start('day', 'coalesce(first_arrived_at, first_detected_at)') }}) as window_from,
        coalesce(window_end, {{ dbt_forensics.window_end('day', 'coalesce(first_arrived_at, first_detected_at)') }}) as window_to,
        {#- From the arrival of what is concerned, since some of it can be judged only later, when its window is due. #}
        {{ dbt_forensics.least_of('coalesce(first_arrived_at, first_detected_at)', 'first_detected_at') }} as seen_from,
        case when is_open then {{ dbt_forensics.latest_time() }} else resolved_at end as seen_to
    from detections
    where not is_silenced

),

{#- Groups are split where there is a gap: twice in each respect, since two that only a third one joins in one respect may be apart in the other. #}
{%- set respects = ['seen', 'window', 'seen', 'window'] %}
{%- for respect in respects %}
{%- set groups = ['stream'] %}
{%- for number in range(loop.index0) %}{% do groups.append('group_' ~ (number + 1)) %}{% endfor %}
{%- set in_order = 'partition by ' ~ groups | join(', ') ~ ' order by ' ~ respect ~ '_from, ' ~ respect ~ '_to, detection_id rows between unbounded preceding and' %}
reached_{{ loop.index }} as (

    select
        *,
        max({{ respect }}_to) over ({{ in_order }} 1 preceding) as reached_{{ loop.index }}
    from {{ 'placed' if loop.first else 'grouped_' ~ loop.index0 }}

),

grouped_{{ loop.index }} as (

    select
        *,
        sum(case when {{ respect }}_from <= reached_{{ loop.index }} then 0 else 1 end) over ({{ in_order }} current row) as group_{{ loop.index }}
    from reached_{{ loop.index }}

),
{% endfor %}
with_founder as (

    select
        *,
        first_value(detection_id) over (
            partition by stream, group_1, group_2, group_3, group_4 order by first_detected_at, window_from, detection_id
            rows between unbounded preceding and unbounded following
        ) as founder
    from grouped_4

)

select
    {{ dbt.hash("stream || '/' || founder") }} as incident_id,
    detection_id,
    detector,
    stream,
    subject,
    window_from as window_start,
    window_to as window_end,
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
