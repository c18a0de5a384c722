-- One row per moment of an incident's story.
{%- do dbt_forensics.assert_settings('live') %}
{%- set text = dbt.type_string() %}
with members as (

    select * from {{ ref('int_forensics__incident_members').render() }}

),

incidents as (

    select * from {{ ref('forensics__incidents').render() }}

),

incident_streams as (

    select * from {{ ref('int_forensics__incident_streams').render() }}

),

log as (

    select * from {{ ref('int_forensics__detection_log').render() }}

),

versions as (

    select * from {{ ref('forensics__metric_versions').render() }}

),

firsts as (

    select
        incident_id,
        stream,
        first_event_at as occurred_at,
        'first_bad_event' as event_kind,
        cast(null as {{ text }}) as detector,
        'the first event that is concerned' as description
    from incidents
    where first_event_at is not null
    union all
    select
        incident_id,
        stream,
        first_arrived_at as occurred_at,
        'arrival' as event_kind,
        cast(null as {{ text }}) as detector,
        'the first row that is concerned arrived, or what was on record changed' as description
    from incidents
    where first_arrived_at is not null

),

detected as (

    select
        members.incident_id,
        members.stream,
        log.recorded_at as occurred_at,
        case when log.change = 1 then 'detection' else 'recovery' end as event_kind,
        log.detector,
        log.severity
        || case when log.change = 1 then ', seen' else ', over' end
        || coalesce(': ' || log.subject, '') as description
    from log
    inner join members
        on log.detection_id = members.detection_id
    where log.change <> 0

),

moved as (

    select
        incident_streams.incident_id,
        incident_streams.stream,
        versions.recorded_from as occurred_at,
        'impact' as event_kind,
        cast(null as {{ text }}) as detector,
        versions.metric || ' changed in ' || cast(count(*) as {{ text }}) || ' values' as description
    from incident_streams
    inner join versions
        on
            incident_streams.stream = versions.stream
            and incident_streams.window_start <= versions.window_start
            and incident_streams.window_end > versions.window_start
            and incident_streams.opened_at <= versions.recorded_from
            and (incident_streams.resolved_at is null or incident_streams.resolved_at >= versions.recorded_from)
    where
        versions.origin = 'published'
        and coalesce(versions.value, 0) <> coalesce(versions.previous_value, 0)
    group by incident_streams.incident_id, incident_streams.stream, versions.recorded_from, versions.metric

),

taken_on as (

    select
        incidents.incident_id,
        incidents.stream,
        acts.recorded_at as occurred_at,
        case acts.act
            when 'mitigated' then 'containment'
            when 'dismissed' then 'dismissal'
            else 'acknowledgement'
        end as event_kind,
        cast(null as {{ text }}) as detector,
        acts.owner || ': ' || acts.reason as description
    from {{ ref('forensics__action_log').render() }} as acts
    inner join incidents
        on acts.action_id = incidents.incident_id
    where acts.kind = 'incident'

),

acted_upon as (

    {#- What was applied to rows of its windows while it was open. #}
    select
        incident_streams.incident_id,
        incident_streams.stream,
        actions.applied_at as occurred_at,
        case when actions.kind = 'withdrawal' then 'containment' else 'recovery' end as event_kind,
        cast(null as {{ text }}) as detector,
        actions.kind || ' ' || actions.action_id || ' of ' || cast(count(*) as {{ text }}) || ' rows by '
        || actions.applied_by as description
    from incident_streams
    inner join {{ ref('int_forensics__action_rows').render() }} as action_rows
        on
            incident_streams.stream = action_rows.stream
            and incident_streams.window_start <= action_rows.window_start
            and incident_streams.window_end > action_rows.window_start
    inner join {{ ref('forensics__actions').render() }} as actions
        on action_rows.action_id = actions.action_id
    where
        actions.applied_at >= incident_streams.opened_at
        and (incident_streams.resolved_at is null or actions.applied_at <= incident_streams.resolved_at)
    group by
        incident_streams.incident_id, incident_streams.stream, actions.applied_at, actions.kind, actions.action_id,
        actions.applied_by

),

resolved as (

    select
        incident_id,
        stream,
        resolved_at as occurred_at,
        'resolution' as event_kind,
        cast(null as {{ text }}) as detector,
        'nothing of it is open any more' as description
    from incidents
    where resolved_at is not null and open_detection_count = 0

),

steps as (

    select * from firsts
    union all
    select * from detected
    union all
    select * from moved
    union all
    select * from taken_on
    union all
    select * from acted_upon
    union all
    select * from resolved

),

timeline as (

    select
        incident_id,
        stream,
        occurred_at,
        cast(event_kind as {{ text }}) as event_kind,
        cast(detector as {{ text }}) as detector,
        cast(description as {{ text }}) as description
    from steps

)

select * from timeline
