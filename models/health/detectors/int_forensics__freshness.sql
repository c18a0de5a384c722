-- One row per pause between arrivals, or since the last one, that is longer than the longest usual one times the threshold.
{#-
    Usual is the longest pause when the longest ones are left out: one of two hundred, and two more. A stream must have twenty pauses over a week.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with hourly as (

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
        min(pause_from) over (partition by stream, has_ended) as first_arrived_at,
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
        max(case
            when
                has_ended
                and (place - 3) * 200 >= pause_count
                and pause_count >= 20
                and last_arrived_at >= {{ dbt_forensics.time_plus('day', 7, 'first_arrived_at') }}
                then pause_seconds
        end) over (partition by stream) as usual_seconds
    from ranked_pauses

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
from compared_pauses as pauses
inner join settings
    on pauses.stream = settings.stream
where pauses.pause_seconds > pauses.usual_seconds * settings.threshold
