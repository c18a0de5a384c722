-- One row per detection that is not silenced, with the incident that it is of.
{#-
    Detections of one stream, or of streams that read each other's relations, whose windows overlap or touch are of one incident, if they were there at one time too: what is found after the last of them was over is
    another incident. It is identified by the one of them that was seen first, so that it keeps its id as it grows.
#}
{%- do dbt_forensics.assert_settings('view') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{%- set found_at = 'coalesce(detections.first_arrived_at, detections.first_detected_at)' %}
with families as (

    {{ dbt_forensics._given_rows(
        {'stream': 'text', 'stream_family': 'text', 'stream_depth': 'integer'}, dbt_forensics._stream_families(streams)
    ) }}

),

detections as (

    select * from {{ ref('forensics__detections').render() }}

),

placed as (

    {#- What has no window, such as rows without a time, is of the day on which it arrived or was found. #}
    select
        detections.*,
        coalesce(families.stream_family, detections.stream) as stream_family,
        coalesce(families.stream_depth, 0) as stream_depth,
        coalesce(detections.window_start, {{ dbt_forensics.window_start('day', found_at) }}) as window_from,
        coalesce(detections.window_end, {{ dbt_forensics.window_end('day', found_at) }}) as window_to,
        {#- From the arrival of what is concerned, since some of it can be judged only later, when its window is due. #}
        {{ dbt_forensics.least_of(found_at, 'detections.first_detected_at') }} as seen_from,
        case when detections.is_open then {{ dbt_forensics.latest_time() }} else detections.resolved_at end as seen_to
    from detections
    left join families
        on detections.stream = families.stream
    where not detections.is_silenced

),

{#- Groups are split where there is a gap: twice in each respect, since two that only a third one joins in one respect may be apart in the other. #}
{%- set respects = ['seen', 'window', 'seen', 'window'] %}
{%- for respect in respects %}
{%- set groups = ['stream_family'] %}
{%- for number in range(loop.index0) %}{% do groups.append('group_' ~ (number + 1)) %}{% endfor %}
{%- set order = respect ~ '_from, ' ~ respect ~ '_to, detection_id' %}
{%- set in_order = 'partition by ' ~ groups | join(', ') ~ ' order by ' ~ order ~ ' rows between unbounded preceding and' %}
reached_{{ loop.index }} as (

    select
        *,
        max({{ respect }}_to) over ({{ in_order }} 1 preceding) as reached_{{ loop.index }}
    from {{ 'placed' if loop.first else 'grouped_' ~ loop.index0 }}

),

grouped_{{ loop.index }} as (

    select
        *,
        sum(case when {{ respect }}_from <= reached_{{ loop.index }} then 0 else 1 end) over (
            {{ in_order }} current row
        ) as group_{{ loop.index }}
    from reached_{{ loop.index }}

),
{% endfor %}
with_founder as (

    select
        *,
        row_number() over (
            partition by stream_family, group_1, group_2, group_3, group_4
            order by first_detected_at, stream_depth, window_from, detection_id
        ) as place
    from grouped_4

),

with_names as (

    select
        *,
        max(case when place = 1 then detection_id end) over (partition by stream_family, group_1, group_2, group_3, group_4) as founder,
        max(case when place = 1 then stream end) over (partition by stream_family, group_1, group_2, group_3, group_4) as incident_stream
    from with_founder

)

select
    {{ dbt.hash("incident_stream || '/' || founder") }} as incident_id,
    incident_stream,
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
from with_names
