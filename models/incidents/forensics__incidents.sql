-- One row per incident: detections that belong together, how bad it is, whose it is, and whether it is over.
{%- do dbt_forensics.assert_settings('live') %}
with members as (

    select * from {{ ref('int_forensics__incident_members').render() }}

),

log as (

    select * from {{ ref('int_forensics__detection_log').render() }}

),

streams as (

    select * from {{ ref('forensics__streams').render() }}

),

kinds as (

    {{ dbt_forensics._given_rows({'detector': 'text', 'rank': 'integer'}, dbt_forensics._detector_ranks()) }}

),

log_by_build as (

    select
        members.incident_id,
        log.recorded_at,
        sum(log.change) as change,
        sum(case when log.change = 1 then 1 else 0 end) as opened_count
    from log
    inner join members
        on log.detection_id = members.detection_id
    where log.change <> 0
    group by members.incident_id, log.recorded_at

),

open_by_build as (

    select
        *,
        sum(change) over (
            partition by incident_id order by recorded_at rows between unbounded preceding and current row
        ) as open_count
    from log_by_build

),

steps as (

    select
        *,
        lag(open_count) over (partition by incident_id order by recorded_at) as open_count_before
    from open_by_build

),

courses as (

    select
        incident_id,
        min(recorded_at) as opened_at,
        max(recorded_at) as changed_at,
        max(case when open_count = 0 then recorded_at end) as last_resolved_at,
        max(case
            when coalesce(open_count_before, 0) = 0 and opened_count > 0 then recorded_at
        end) as last_opened_at,
        sum(case when open_count_before = 0 and opened_count > 0 then 1 else 0 end) as times_reopened,
        max(case when opened_count > 0 then recorded_at end) as last_seen_at
    from steps
    group by incident_id

),

acts as (

    {#- What people said of it since it opened, or opened again. #}
    select
        courses.incident_id,
        acts.act,
        row_number() over (
            partition by courses.incident_id order by acts.recorded_at desc, acts.act desc
        ) as recency_rank
    from {{ ref('forensics__action_log').render() }} as acts
    inner join courses
        on acts.action_id = courses.incident_id
    where acts.kind = 'incident' and acts.recorded_at >= courses.last_opened_at

),

dismissals as (

    {#- What was found after it was dismissed opens it again. #}
    select
        courses.incident_id,
        max(acts.recorded_at) as dismissed_at
    from {{ ref('forensics__action_log').render() }} as acts
    inner join courses
        on acts.action_id = courses.incident_id
    where acts.kind = 'incident' and acts.act = 'dismissed' and acts.recorded_at >= courses.last_seen_at
    group by courses.incident_id

),

described as (

    select
        members.incident_id,
        members.incident_stream as stream,
        min(kinds.rank) as kind_rank,
        max({{ dbt_forensics.severity_rank('members.severity') }}) as severity_number,
        min(members.window_start) as window_start,
        max(members.window_end) as window_end,
        count(*) as detection_count,
        sum(case when members.is_open then 1 else 0 end) as open_count,
        min(members.first_event_at) as first_event_at,
        min(members.first_arrived_at) as first_arrived_at
    from members
    inner join kinds
        on members.detector = kinds.detector
    group by members.incident_id, members.incident_stream

),

kinds_seen as (

    select
        members.incident_id,
        members.detector,
        row_number() over (
            partition by members.incident_id
            order by max({{ dbt_forensics.severity_rank('members.severity') }}) desc, min(kinds.rank)
        ) as place,
        count(*) over (partition by members.incident_id) as kind_count
    from members
    inner join kinds
        on members.detector = kinds.detector
    group by members.incident_id, members.detector

),

names as (

    {#- All that was seen, the worst first. #}
    select
        incident_id,
        {%- for place in range(1, 6) %}
        {{ "max(case when place = 1 then replace(detector, '_', ' ') end)" if loop.first
            else "|| coalesce(max(case when place = " ~ place ~ " then ', ' || replace(detector, '_', ' ') end), '')" }}
        {%- endfor %}
        || case when max(kind_count) > 5 then ' and ' || cast(max(kind_count) - 5 as {{ dbt.type_string() }}) || ' more' else '' end as name
    from kinds_seen
    group by incident_id

),

incidents as (

    select
        described.incident_id,
        described.stream,
        kinds.detector as kind,
        cast(names.name as {{ dbt.type_string() }}) as name,
        cast(
            {{ dbt_forensics.severity_of_rank('described.severity_number') }} as {{ dbt.type_string() }}
        ) as severity,
        cast(case
            when dismissals.dismissed_at is not null then 'dismissed'
            when described.open_count = 0 then 'resolved'
            when acts.act = 'dismissed' then 'reopened'
            when acts.act is not null then acts.act
            when courses.times_reopened > 0 then 'reopened'
            else 'open'
        end as {{ dbt.type_string() }}) as status,
        streams.owner,
        described.window_start,
        described.window_end,
        cast(described.detection_count as {{ dbt.type_bigint() }}) as detection_count,
        cast(described.open_count as {{ dbt.type_bigint() }}) as open_detection_count,
        described.first_event_at,
        described.first_arrived_at,
        courses.opened_at,
        case when described.open_count = 0 then courses.last_resolved_at else dismissals.dismissed_at end as resolved_at,
        cast(courses.times_reopened as {{ dbt.type_bigint() }}) as times_reopened
    from described
    inner join courses
        on described.incident_id = courses.incident_id
    inner join kinds
        on described.kind_rank = kinds.rank
    inner join names
        on described.incident_id = names.incident_id
    left join streams
        on described.stream = streams.stream
    left join dismissals
        on described.incident_id = dismissals.incident_id
    left join acts
        on described.incident_id = acts.incident_id and acts.recency_rank = 1

)

select * from incidents
