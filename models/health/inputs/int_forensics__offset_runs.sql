-- One row per stretch of hours of arrival in which the whole feed of a stream is moved against the clock.
{#-
    The delays of a tenth, half and nine tenths of the rows are all moved by about the same, which a queue that empties does not do, and by no
    more than the 14 hours that clocks of the world differ from UTC. Rows before their events are enough; rows after them are moved only if arrivals went
    on meanwhile, else they were held up.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with profile as (

    select * from {{ ref('int_forensics__row_profile') }}

),

hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

settings as (

    select
        stream,
        threshold
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'constant_offset' and is_enabled

),

delay_counts as (

    select
        counted.stream,
        counted.arrived_hour,
        cast(counted.subject as {{ dbt.type_bigint() }}) as half_hours,
        sum(counted.row_count) as row_count
    from profile as counted
    where counted.measure = 'delay'
    group by counted.stream, counted.arrived_hour, cast(counted.subject as {{ dbt.type_bigint() }})
    having sum(counted.row_count) > 0

),

delays as (

    select
        stream,
        arrived_hour,
        half_hours,
        sum(row_count) over (partition by stream, arrived_hour) as hour_count,
        sum(row_count) over (
            partition by stream, arrived_hour order by half_hours rows between unbounded preceding and current row
        ) as count_so_far
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

all_rows as (

    select
        *,
        lag(last_arrived_at) over (partition by stream order by arrived_hour) as previous_arrived_at
    from hourly
    where measure = 'rows'

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
    inner join all_rows
        on compared_delays.stream = all_rows.stream and compared_delays.arrived_hour = all_rows.arrived_hour
    where compared_delays.hours_count >= 10 and compared_delays.usual_high - compared_delays.usual_low <= 8

),

moved_hours as (

    select
        hours_beside_before.*,
        sign(hours_beside_before.shift) as direction,
        hours_beside_before.place - row_number() over (
            partition by hours_beside_before.stream, sign(hours_beside_before.shift) order by hours_beside_before.place
        ) as run
    from hours_beside_before
    inner join settings
        on hours_beside_before.stream = settings.stream
    where
        abs(hours_beside_before.shift) * 30 >= settings.threshold
        and abs(hours_beside_before.shift) <= 28
        and abs(hours_beside_before.low_shift - hours_beside_before.shift) <= 2
        and abs(hours_beside_before.high_shift - hours_beside_before.shift) <= 2
        and (hours_beside_before.shift > 0 or hours_beside_before.middle < 0)

),

moved_runs as (

    select
        stream,
        direction,
        min(arrived_hour) as first_hour,
        max(arrived_hour) as last_hour,
        cast(min(abs(shift)) * max(direction) * 30 as {{ dbt.type_bigint() }}) as shift_minutes,
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
    group by stream, direction, run

)

select
    moved_runs.*,
    moved_runs.last_place < moved_runs.place_count as is_over
from moved_runs
inner join hours_beside_before as first_hours
    on moved_runs.stream = first_hours.stream and moved_runs.first_hour = first_hours.arrived_hour
where
    moved_runs.first_place > 1
    and (moved_runs.direction < 0 or first_hours.pause_seconds < moved_runs.shift_minutes * 45)
