{% macro freshness(streams, clock) %}
    {#-
        A pause between arrivals, or since the last one, longer than the longest usual one times the knob. Usual is the longest pause when the longest
        ones are left out: one of two hundred, and two more. A stream must have twenty pauses over a week.
    -#}
    {{ dbt_forensics.found('freshness', "(
            select
                *,
                " ~ dbt_forensics.time_of_stream(streams, 'window_start', 'pause_from') ~ " as first_window,
                " ~ dbt_forensics.time_of_stream(streams, 'window_start', 'pause_to') ~ " as last_window
            from compared_pauses
        )", 'candidates.pause_seconds > candidates.usual_seconds * ' ~ dbt_forensics.knob('freshness', streams), {
        'identity_text': dbt_forensics.canonical_text('candidates.pause_from', dbt.type_timestamp()),
        'observed': 'candidates.pause_seconds',
        'expected': 'candidates.usual_seconds * ' ~ dbt_forensics.knob('freshness', streams),
        'evidence': dbt_forensics.evidence({'pause_seconds': 'candidates.pause_seconds', 'usual_pause_seconds': 'candidates.usual_seconds'}, {}),
        'first_event_at': 'candidates.pause_from',
        'is_over': 'candidates.has_ended',
    }, streams) }}
{%- endmacro %}


{% macro pauses(clock) %}
    {#- CTEs, the last of them named compared_pauses: how long nothing arrived, per stream, the time since the last arrival included, and the longest usual pause. Needs the CTE hourly. -#}
    pauses as (

        select
            stream,
            last_arrived_at as pause_from,
            coalesce(next_arrived_at, {{ clock }}) as pause_to,
            {{ dbt_forensics.elapsed_seconds('last_arrived_at', 'coalesce(next_arrived_at, ' ~ clock ~ ')') }} as pause_seconds,
            next_arrived_at is not null as has_ended
        from (
            select
                stream,
                last_arrived_at,
                lead(first_arrived_at) over (partition by stream order by arrived_hour) as next_arrived_at
            from hourly
            where measure = 'rows' and last_arrived_at is not null
        ) as arrivals

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
{% endmacro %}
