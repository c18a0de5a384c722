-- One row per thing that an incident concerns: a change of a metric in its windows, a window, a model or an exposure that reads the stream.
{%- do dbt_forensics.assert_settings('view') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{%- set readers = dbt_forensics._readers_of(streams) %}
{%- set text = dbt.type_string() %}
{%- set time = dbt.type_timestamp() %}
{%- set number = dbt_forensics.type_exact_number() %}
with incidents as (

    select * from {{ ref('int_forensics__incident_streams').render() }}

),

versions as (

    select * from {{ ref('forensics__metric_versions').render() }}

),

changes as (

    select * from {{ ref('forensics__metric_changes').render() }}

),

windows as (

    select * from {{ ref('forensics__windows').render() }}

),

moved_values as (

    {#- What was published from the build on that saw the incident first, until it was resolved. #}
    select
        incidents.incident_id,
        incidents.stream,
        versions.metric,
        versions.window_start,
        versions.window_end,
        versions.dimensions,
        versions.version,
        versions.value,
        versions.previous_value,
        row_number() over (
            partition by incidents.incident_id, versions.stream, versions.metric, versions.window_start, versions.dimensions
            order by versions.version
        ) as versions_before,
        row_number() over (
            partition by incidents.incident_id, versions.stream, versions.metric, versions.window_start, versions.dimensions
            order by versions.version desc
        ) as recency_rank
    from incidents
    inner join versions
        on
            incidents.stream = versions.stream
            and incidents.window_start <= versions.window_start
            and incidents.window_end > versions.window_start
            and incidents.opened_at <= versions.recorded_from
            and (incidents.resolved_at is null or incidents.resolved_at >= versions.recorded_from)
    where versions.origin = 'published'

),

value_ends as (

    select
        incident_id,
        stream,
        metric,
        window_start,
        dimensions,
        max(case when versions_before = 1 then previous_value end) as value_before,
        max(case when recency_rank = 1 then value end) as value_after
    from moved_values
    group by incident_id, stream, metric, window_start, dimensions

),

changes_by_cause as (

    {#- Rows that came in time are no part of it: values grow beside an incident too. #}
    select
        moved_values.incident_id,
        moved_values.stream,
        cast('metric' as {{ text }}) as kind,
        moved_values.metric as name,
        moved_values.window_start,
        moved_values.window_end,
        moved_values.dimensions,
        changes.cause,
        cast(sum(changes.change) as {{ number }}) as change,
        sum(sum(changes.change)) over (
            partition by
                moved_values.incident_id, moved_values.stream, moved_values.metric, moved_values.window_start,
                moved_values.dimensions
        ) as net_change,
        max(case when sum(changes.change) is null then 1 else 0 end) over (
            partition by
                moved_values.incident_id, moved_values.stream, moved_values.metric, moved_values.window_start,
                moved_values.dimensions
        ) = 1 as is_unknown,
        max(value_ends.value_before) as value_before,
        max(value_ends.value_after) as value_after,
        cast(sum(changes.event_count) as {{ dbt.type_bigint() }}) as row_count,
        min(changes.first_arrived_at) as first_arrived_at,
        cast(null as {{ text }}) as owner
    from moved_values
    inner join changes
        on
            moved_values.stream = changes.stream
            and moved_values.metric = changes.metric
            and moved_values.window_start = changes.window_start
            and moved_values.dimensions = changes.dimensions
            and moved_values.version = changes.version
    inner join value_ends
        on
            moved_values.incident_id = value_ends.incident_id
            and moved_values.stream = value_ends.stream
            and moved_values.metric = value_ends.metric
            and moved_values.window_start = value_ends.window_start
            and moved_values.dimensions = value_ends.dimensions
    where changes.cause <> 'on_time'
    group by
        moved_values.incident_id, moved_values.stream, moved_values.metric, moved_values.window_start,
        moved_values.window_end, moved_values.dimensions, changes.cause
    having sum(changes.change) <> 0 or sum(changes.change) is null

),

metric_impact as (

    {#- What was put right while it was open is no impact. #}
    select
        incident_id,
        stream,
        kind,
        name,
        window_start,
        window_end,
        dimensions,
        cause,
        change,
        value_before,
        value_after,
        row_count,
        first_arrived_at,
        owner
    from changes_by_cause
    where net_change <> 0 or is_unknown

),

window_impact as (

    select
        incidents.incident_id,
        incidents.stream,
        cast('window' as {{ text }}) as kind,
        windows.health as name,
        windows.window_start,
        windows.window_end,
        cast(null as {{ text }}) as dimensions,
        cast(null as {{ text }}) as cause,
        cast(null as {{ number }}) as change,
        cast(windows.expected_count as {{ number }}) as value_before,
        cast(windows.row_count as {{ number }}) as value_after,
        windows.row_count,
        windows.first_arrived_at,
        cast(null as {{ text }}) as owner
    from incidents
    inner join windows
        on
            incidents.stream = windows.stream
            and incidents.window_start <= windows.window_start
            and incidents.window_end > windows.window_start

),

readers as (

    {{ dbt_forensics._given_rows({'stream': 'text', 'kind': 'text', 'name': 'text', 'owner': 'text'}, readers) }}

),

reader_impact as (

    select
        incidents.incident_id,
        incidents.stream,
        readers.kind,
        readers.name,
        cast(null as {{ time }}) as window_start,
        cast(null as {{ time }}) as window_end,
        cast(null as {{ text }}) as dimensions,
        cast(null as {{ text }}) as cause,
        cast(null as {{ number }}) as change,
        cast(null as {{ number }}) as value_before,
        cast(null as {{ number }}) as value_after,
        cast(null as {{ dbt.type_bigint() }}) as row_count,
        cast(null as {{ time }}) as first_arrived_at,
        readers.owner
    from incidents
    inner join readers
        on incidents.stream = readers.stream

)

select * from metric_impact
union all
select * from window_impact
union all
select * from reader_impact
