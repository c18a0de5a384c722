-- One row per version of a metric's value and cause of its change.
{%- do dbt_forensics.assert_settings('view') %}
with log as (

    select * from {{ ref('int_forensics__metric_log').render() }}
    union all
    select * from {{ ref('int_forensics__watch_log').render() }}

),

changes as (

    select
        stream,
        metric,
        window_start,
        window_end,
        dimensions,
        version,
        recorded_from,
        cause,
        change,
        event_count,
        sample_event_ids,
        first_arrived_at,
        last_arrived_at
    from log

)

select * from changes
