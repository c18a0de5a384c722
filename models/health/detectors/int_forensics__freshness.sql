-- One row per pause between arrivals, or since the last one, that is longer than the longest usual one times the threshold.
{#-
    Usual is the longest pause when the longest ones are left out: one of two hundred, and two more. A stream must have twenty pauses over a week, and no pause
    of its first week is judged. A pause that began at about the same time of the week one to three weeks before, and was half as long or longer with the
    default threshold, makes it a rest: two such ones, or one where the stream is younger than three weeks.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with {{ dbt_forensics._digit_rows() }},

hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'freshness' and is_enabled

),

arrivals as (

    select
        stream,
        last_arrived_at,
        lead(first_arrived_at) over (partition by stream order by arrived_hour) as next_arrived_at
    from hourly
    where measure = 'rows' and last_arrived_at is not null

),

pauses as (

    select
        arrivals.stream,
        arrivals.last_arrived_at as pause_from,
        coalesce(arrivals.next_arrived_at, settings.concluded_at) as pause_to,
        {{ dbt_forensics.elapsed_seconds(
            'arrivals.last_arrived_at', 'coalesce(arrivals.next_arrived_at, settings.concluded_at)'
        ) }} as pause_seconds,
        arrivals.next_arrived_at is not null as has_ended
    from arrivals
    inner join settings
        on arrivals.stream = settings.stream

),

ranked_pauses as (

    select
        *,
        row_number() over (partition by stream, has_ended order by pause_seconds desc) as place,
        count(*) over (partition by stream, has_ended) as pause_count,
        min(pause_from) over (partition by stream) as first_arrived_at,
        max(pause_from) over (partition by stream, has_ended) as last_arrived_at
    from pauses

),

compared_pauses as (

    select
        stream,
        pause_from,
        pause_to,
        pause_seconds,
        has_ended,
        first_arrived_at,
        max(case
            when
                has_ended
                and (place - 3) * 200 >= pause_count
                and pause_count >= 20
                and last_arrived_at >= {{ dbt_forensics.time_plus('day', 7, 'first_arrived_at') }}
                then pause_seconds
        end) over (partition by stream) as usual_seconds
    from ranked_pauses

),

long_pauses as (

    select
        compared_pauses.*,
        settings.threshold
    from compared_pauses
    inner join settings
        on compared_pauses.stream = settings.stream
    where
        compared_pauses.pause_seconds > compared_pauses.usual_seconds * settings.threshold
        and compared_pauses.pause_from >= {{ dbt_forensics.time_plus('day', 7, 'compared_pauses.first_arrived_at') }}

),

weeks_before as (

    select digit as weeks
    from digits
    where digit between 1 and 3

),

same_times as (

    select
        long_pauses.stream,
        long_pauses.pause_from,
        long_pauses.pause_seconds,
        long_pauses.threshold,
        {{ dbt_forensics.time_plus('day', '-7 * weeks_before.weeks', 'long_pauses.pause_from') }} as same_time
    from long_pauses
    cross join weeks_before

),

earlier_rests as (

    select
        same_times.stream,
        same_times.pause_from,
        same_times.same_time
    from same_times
    inner join compared_pauses
        on
            same_times.stream = compared_pauses.stream
            and compared_pauses.has_ended
            and compared_pauses.pause_from >= {{ dbt_forensics.time_plus('hour', -12, 'same_times.same_time') }}
            and compared_pauses.pause_from <= {{ dbt_forensics.time_plus('hour', 12, 'same_times.same_time') }}
            and compared_pauses.pause_seconds * same_times.threshold >= same_times.pause_seconds
    group by same_times.stream, same_times.pause_from, same_times.same_time

),

rests as (

    select
        stream,
        pause_from,
        count(*) as rest_count
    from earlier_rests
    group by stream, pause_from

)

select
    pauses.stream,
    'freshness' as detector,
    cast(null as {{ dbt.type_string() }}) as subject,
    {{ dbt_forensics.canonical_text('pauses.pause_from', dbt.type_timestamp()) }} as identity_text,
    {{ dbt_forensics._start_of_window('pauses.pause_from', 'settings') }} as window_start,
    {{ dbt_forensics._end_of_window('pauses.pause_to', 'settings') }} as window_end,
    settings.severity,
    cast(pauses.pause_seconds as {{ number }}) as observed,
    cast(pauses.usual_seconds * settings.threshold as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'pause_seconds': 'pauses.pause_seconds',
        'usual_pause_seconds': 'pauses.usual_seconds',
    }, {}) }} as evidence,
    pauses.pause_from as first_event_at,
    cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    pauses.has_ended as is_over,
    cast(null as {{ dbt.type_timestamp() }}) as touched_at
from long_pauses as pauses
inner join settings
    on pauses.stream = settings.stream
left join rests
    on pauses.stream = rests.stream and pauses.pause_from = rests.pause_from
where
    coalesce(rests.rest_count, 0) = 0
    or (
        rests.rest_count = 1
        and pauses.pause_from >= {{ dbt_forensics.time_plus('day', 21, 'pauses.first_arrived_at') }}
    )
