-- One row per detection: what a detector saw in a stream, where, when it was seen first and last, and whether it is over.
{%- do dbt_forensics.take_turn() %}
{%- do dbt_forensics.assert_settings('view') %}
{%- do dbt_forensics._assert_seeds() %}
{%- set clock = dbt_forensics.concluded_at() if execute else 'latest.recorded_at' %}
with log as (

    select * from {{ ref('int_forensics__detection_log').render() }}

),

exceptions as (

    select
        cast(stream as {{ dbt.type_string() }}) as stream,
        cast(detector as {{ dbt.type_string() }}) as detector,
        cast(subject as {{ dbt.type_string() }}) as subject,
        {{ dbt_forensics.utc_timestamp('cast(valid_until as ' ~ dbt.type_string() ~ ')') }} as valid_until,
        cast(reason as {{ dbt.type_string() }}) as reason
    from {{ ref('forensics_exceptions').render() }}

),

followed as (

    select
        *,
        sum(change) over (partition by detection_id) as is_open,
        min(recorded_at) over (partition by detection_id) as first_detected_at,
        max(case when change >= 0 then recorded_at end) over (partition by detection_id) as last_detected_at,
        max(case when change = -1 then recorded_at end) over (partition by detection_id) as last_closed_at,
        sum(case when change = 1 then 1 else 0 end) over (partition by detection_id) as times_opened,
        row_number() over (partition by detection_id order by recorded_at desc, change asc) as recency_rank
    from log

),

latest as (

    select *
    from followed
    where recency_rank = 1

),

silenced as (

    {#- An exception holds for what is open until then, and for what was over by then. #}
    select
        latest.detection_id,
        max(exceptions.valid_until) as silenced_until,
        max(exceptions.reason) as silenced_because
    from latest
    inner join exceptions
        on
            (exceptions.stream is null or latest.stream = exceptions.stream)
            and (exceptions.detector is null or latest.detector = exceptions.detector)
            and (exceptions.subject is null or latest.subject = exceptions.subject)
            and case
                when latest.is_open = 1 then {{ clock }}
                else latest.last_closed_at
            end < exceptions.valid_until
    group by latest.detection_id

),

described as (

    select
        latest.detection_id,
        latest.detector,
        latest.stream,
        latest.subject,
        latest.window_start,
        latest.window_end,
        latest.severity,
        latest.observed,
        latest.expected,
        latest.evidence,
        latest.first_event_at,
        latest.first_arrived_at,
        latest.last_arrived_at,
        latest.first_detected_at,
        latest.last_detected_at,
        case when latest.is_open = 0 then latest.last_closed_at end as resolved_at,
        latest.is_open = 1 as is_open,
        cast(latest.times_opened as {{ dbt.type_bigint() }}) as times_opened,
        silenced.detection_id is not null as is_silenced,
        silenced.silenced_until,
        silenced.silenced_because
    from latest
    left join silenced
        on latest.detection_id = silenced.detection_id

)

select * from described
