-- One row per detection: what a detector saw in a stream, where, when it was seen first and last, and whether it is over.
{%- do dbt_forensics.take_turn() %}
{%- do dbt_forensics.assert_settings('view') %}
{%- do dbt_forensics._assert_seeds() %}
{%- set clock = dbt_forensics.concluded_at() if execute else 'latest.recorded_at' %}
{%- set text = dbt.type_string() %}
{%- set given = ref('forensics_exceptions') %}
with {{ dbt_forensics._digit_rows() }},

log as (

    select * from {{ ref('int_forensics__detection_log').render() }}

),

exceptions as (

    {#- Seeds of before have no valid_from and no repeats. #}
    select
        cast(stream as {{ text }}) as stream,
        cast(detector as {{ text }}) as detector,
        cast(subject as {{ text }}) as subject,
        {% if dbt_forensics._has_column(given, 'valid_from') -%}
        {{ dbt_forensics.utc_timestamp('cast(valid_from as ' ~ text ~ ')') }} as valid_from,
        {%- else -%}
        cast(null as {{ dbt.type_timestamp() }}) as valid_from,
        {%- endif %}
        {{ dbt_forensics.utc_timestamp('cast(valid_until as ' ~ text ~ ')') }} as valid_until,
        {% if dbt_forensics._has_column(given, 'repeats') -%}
        lower(cast(repeats as {{ text }})) as repeats,
        {%- else -%}
        cast(null as {{ text }}) as repeats,
        {%- endif %}
        cast(reason as {{ text }}) as reason
    from {{ given.render() }}

),

repetitions as (

    {#- For 83 years, each month; what has no beginning does not repeat. #}
    select hundreds.digit * 100 + tens.digit * 10 + ones.digit as months_later
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds

),

spells as (

    select
        exceptions.stream,
        exceptions.detector,
        exceptions.subject,
        exceptions.reason,
        cast(
            {{ dbt.dateadd('month', 'repetitions.months_later', 'exceptions.valid_from') }} as {{ dbt.type_timestamp() }}
        ) as valid_from,
        cast(
            {{ dbt.dateadd('month', 'repetitions.months_later', 'exceptions.valid_until') }} as {{ dbt.type_timestamp() }}
        ) as valid_until
    from exceptions
    inner join repetitions
        on
            repetitions.months_later = 0
            or (exceptions.repeats = 'monthly' and exceptions.valid_from is not null)
            or (
                exceptions.repeats = 'yearly'
                and exceptions.valid_from is not null
                and repetitions.months_later = 12 * cast(floor(repetitions.months_later / 12.0) as {{ dbt.type_bigint() }})
            )

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

    {#- An exception holds for what is open until then, and for what was over by then; from valid_from on for what is about that time or later. #}
    select
        latest.detection_id,
        max(spells.valid_until) as silenced_until,
        max(spells.reason) as silenced_because
    from latest
    inner join spells
        on
            (spells.stream is null or latest.stream = spells.stream)
            and (spells.detector is null or latest.detector = spells.detector)
            and (spells.subject is null or latest.subject = spells.subject)
            and (spells.valid_from is null or coalesce(latest.window_end, latest.first_detected_at) > spells.valid_from)
            and case
                when latest.is_open = 1 then {{ clock }}
                else latest.last_closed_at
            end < spells.valid_until
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
