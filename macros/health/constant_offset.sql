{% macro offset_runs(streams, profile) %}
    {#-
        CTEs, the last of them named offset_runs: stretches of hours of arrival in which the whole feed is moved against the clock: the delays of a tenth,
        half and nine tenths of the rows are all moved by about the same, which a queue that empties does not do, and by no more than the 14 hours that
        clocks of the world differ from UTC. Rows before their events
        are enough; rows after them are moved only if arrivals went on meanwhile, else they were held up. Needs the CTE hourly.
    -#}
    delay_counts as (

        select
            stream,
            arrived_hour,
            cast(subject as {{ dbt.type_bigint() }}) as half_hours,
            sum(row_count) as row_count
        from {{ profile }} as counted
        where measure = 'delay' and {{ dbt_forensics.is_one_of('stream', streams.keys() | list) }}
        group by 1, 2, 3
        having sum(counted.row_count) > 0

    ),

    delays as (

        select
            stream,
            arrived_hour,
            half_hours,
            sum(row_count) over (partition by stream, arrived_hour) as hour_count,
            sum(row_count) over (partition by stream, arrived_hour order by half_hours rows between unbounded preceding and current row) as count_so_far
        from delay_counts

    ),

    hour_delays as (

        select
            stream,
            arrived_hour,
            min(case when count_so_far * 10 >= hour_count then half_hours end) as low,
            min(case when count_so_far * 2 >= hour_count then half_hours end) as middle,
            min(case when count_so_far * 10 >= hour_count * 9 then half_hours end) as high
        from delays
        where hour_count >= 20
        group by stream, arrived_hour

    ),

    ranked_delays as (

        select
            *,
            row_number() over (partition by stream order by low, arrived_hour) as low_rank,
            row_number() over (partition by stream order by middle, arrived_hour) as middle_rank,
            row_number() over (partition by stream order by high, arrived_hour) as high_rank,
            count(*) over (partition by stream) as hours_count
        from hour_delays

    ),

    compared_delays as (

        select
            *,
            max(case when low_rank * 2 in (hours_count, hours_count + 1) then low end) over (partition by stream) as usual_low,
            max(case when middle_rank * 2 in (hours_count, hours_count + 1) then middle end) over (partition by stream) as usual_middle,
            max(case when high_rank * 2 in (hours_count, hours_count + 1) then high end) over (partition by stream) as usual_high
        from ranked_delays

    ),

    hours_beside_before as (

        select
            compared_delays.stream,
            compared_delays.arrived_hour,
            compared_delays.low - compared_delays.usual_low as low_shift,
            compared_delays.middle - compared_delays.usual_middle as shift,
            compared_delays.high - compared_delays.usual_high as high_shift,
            compared_delays.middle,
            compared_delays.usual_middle,
            all_rows.row_count,
            all_rows.touched_at,
            all_rows.first_event_at,
            all_rows.first_arrived_at,
            all_rows.last_arrived_at,
            row_number() over (partition by compared_delays.stream order by compared_delays.arrived_hour) as place,
            count(*) over (partition by compared_delays.stream) as place_count,
            {{ dbt_forensics.elapsed_seconds('all_rows.previous_arrived_at', 'all_rows.first_arrived_at') }} as pause_seconds
        from compared_delays
        inner join (
            select
                *,
                lag(last_arrived_at) over (partition by stream order by arrived_hour) as previous_arrived_at
            from hourly
            where measure = 'rows'
        ) as all_rows
            on compared_delays.stream = all_rows.stream and compared_delays.arrived_hour = all_rows.arrived_hour
        where compared_delays.hours_count >= 10 and compared_delays.usual_high - compared_delays.usual_low <= 8

    ),

    moved_hours as (

        select
            hours_beside_before.*,
            {{ dbt_forensics.severity('constant_offset', streams, 'stream') }} as severity,
            place - row_number() over (partition by hours_beside_before.stream, sign(shift) order by place) as run
        from hours_beside_before
        where
            {{ dbt_forensics.is_on('constant_offset', streams, 'stream') }}
            and abs(shift) * 30 >= {{ dbt_forensics.knob('constant_offset', streams, 'stream') }}
            and abs(shift) <= 28
            and abs(low_shift - shift) <= 2
            and abs(high_shift - shift) <= 2
            and (shift > 0 or middle < 0)

    ),

    moved_runs as (

        select
            stream,
            sign(shift) as direction,
            min(severity) as severity,
            min(arrived_hour) as first_hour,
            max(arrived_hour) as last_hour,
            cast(min(abs(shift)) * max(sign(shift)) * 30 as {{ dbt.type_bigint() }}) as shift_minutes,
            max(usual_middle) * 30 as usual_minutes,
            sum(row_count) as row_count,
            min(first_event_at) as first_event_at,
            min(first_arrived_at) as first_arrived_at,
            max(last_arrived_at) as last_arrived_at,
            max(touched_at) as touched_at,
            max(place) as last_place,
            max(place_count) as place_count,
            min(place) as first_place
        from moved_hours
        group by stream, sign(shift), run

    ),

    offset_runs as (

        select
            moved_runs.*,
            moved_runs.last_place < moved_runs.place_count as is_over
        from moved_runs
        inner join hours_beside_before as first_hours
            on moved_runs.stream = first_hours.stream and moved_runs.first_hour = first_hours.arrived_hour
        where
            moved_runs.first_place > 1
            and (moved_runs.direction < 0 or first_hours.pause_seconds < moved_runs.shift_minutes * 45)

    )
{% endmacro %}


{% macro constant_offset(streams) %}
    {#- The whole feed is moved against the clock by hours, as when a local time is labelled UTC. -#}
    {{ dbt_forensics.found('constant_offset', "(
            select
                *,
                " ~ dbt_forensics.time_of_stream(streams, 'window_start', 'first_event_at') ~ " as first_window,
                " ~ dbt_forensics.time_of_stream(streams, 'window_start', 'last_arrived_at') ~ " as last_window
            from offset_runs
        )", '1 = 1', {
        'identity_text': dbt_forensics.canonical_text('candidates.first_hour', dbt.type_timestamp()),
        'observed': 'candidates.usual_minutes + candidates.shift_minutes',
        'expected': 'candidates.usual_minutes',
        'evidence': dbt_forensics.evidence({'rows': 'candidates.row_count', 'moved_by_minutes': 'candidates.shift_minutes'}, {}),
        'first_event_at': 'candidates.first_event_at',
        'first_arrived_at': 'candidates.first_arrived_at',
        'last_arrived_at': 'candidates.last_arrived_at',
        'is_over': 'candidates.is_over',
        'touched_at': 'candidates.touched_at',
    }, streams) }}
{%- endmacro %}
