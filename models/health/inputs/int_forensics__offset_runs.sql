-- One row per stretch of hours of arrival in which the whole feed of a stream is moved against the clock.
{#-
    A clock that is wrong moves all rows alike: the fastest twentieth, a tenth, half and nine tenths of them. Delays that only spread leave the fastest
    rows where they were. So what is compared are hours of arrival whose delays are spread as the stream's are, wherever they lie; where they are commonly spread over
    more than four hours, days in which most hours have the same fastest rows. A stretch is what lies between two steps of the fastest rows. It is right if the fastest
    rows are where they were in the stream's first stretch, unless that one shows by itself that its clock was wrong.
-#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
{%- set of_stream = 'over (partition by stream)' %}
{%- set in_time = 'partition by stream order by bucket_start' %}
{%- set level_in = 'partition by stream, level_number order by' %}
{%- set of_stretch = 'over (partition by stream, stretch_number)' %}
with profile as (

    select * from {{ ref('int_forensics__row_profile') }}

),

hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

settings as (

    select
        stream,
        threshold,
        expected_delay_minutes
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'constant_offset' and is_enabled

),

delay_counts as (

    select
        counted.stream,
        counted.arrived_hour,
        cast(counted.subject as {{ dbt.type_bigint() }}) as half_hours,
        sum(counted.row_count) as row_count,
        min(counted.first_event_at) as first_event_at
    from profile as counted
    inner join settings
        on counted.stream = settings.stream
    where counted.measure = 'delay'
    group by counted.stream, counted.arrived_hour, cast(counted.subject as {{ dbt.type_bigint() }})
    having sum(counted.row_count) > 0

),

delays as (

    select
        *,
        sum(row_count) over (partition by stream, arrived_hour) as hour_count,
        sum(row_count) over (
            partition by stream, arrived_hour order by half_hours rows between unbounded preceding and current row
        ) as count_so_far
    from delay_counts

),

delay_parts as (

    {#- In twentieths of a row: how many rows of a delay are between the fastest twentieth and six, and in the middle six. #}
    select
        *,
        {{ dbt_forensics.least_of('count_so_far * 20', 'hour_count * 6') }}
        - {{ dbt_forensics.greatest_of('(count_so_far - row_count) * 20', 'hour_count') }} as fast_part,
        {{ dbt_forensics.least_of('count_so_far * 20', 'hour_count * 13') }}
        - {{ dbt_forensics.greatest_of('(count_so_far - row_count) * 20', 'hour_count * 7') }} as middle_part
    from delays
    where hour_count >= 20

),

summed_delays as (

    select
        stream,
        arrived_hour,
        cast(max(hour_count) as {{ dbt.type_bigint() }}) as hour_count,
        {%- for name in ['fast', 'middle'] %}
        cast(sum(case when {{ name }}_part > 0 then {{ name }}_part * half_hours * 30 else 0 end) as {{ number }}) as {{ name }}_sum,
        {%- endfor %}
        min(case when count_so_far * 20 >= hour_count and count_so_far >= 2 then half_hours end) * 30 as quickest,
        min(case when count_so_far * 10 >= hour_count * 9 then half_hours end) * 30 as high,
        min(case when (count_so_far - row_count) * 2 < hour_count then first_event_at end) as first_event_of_half_at,
        min(case when (count_so_far - row_count) * 10 < hour_count * 9 then first_event_at end) as first_event_at
    from delay_parts
    group by stream, arrived_hour

),

hour_delays as (

    {#- Minutes. The mean of a part is finer than the half hours that are counted, and a few wrong rows do not move it. #}
    select
        stream,
        arrived_hour,
        cast(floor({{ dbt_forensics.exact_quotient('fast_sum', '(hour_count * 5)') }}) as {{ dbt.type_bigint() }}) as fast,
        cast(floor({{ dbt_forensics.exact_quotient('middle_sum', '(hour_count * 6)') }}) as {{ dbt.type_bigint() }}) as middle,
        quickest,
        high,
        first_event_of_half_at,
        first_event_at
    from summed_delays

),

arrivals as (

    select
        *,
        lag(last_arrived_at) over (partition by stream order by arrived_hour) as previous_arrived_at,
        max(touched_at) over (partition by stream) as stream_touched_at
    from hourly
    where measure = 'rows'

),

hours as (

    select
        hour_delays.*,
        hour_delays.middle - hour_delays.fast as middle_spread,
        hour_delays.high - hour_delays.fast as high_spread,
        {{ dbt_forensics.window_start('day', 'hour_delays.arrived_hour') }} as arrived_day,
        {{ dbt_forensics.elapsed_seconds('arrivals.previous_arrived_at', 'arrivals.first_arrived_at') }} as pause_seconds
    from hour_delays
    inner join arrivals
        on hour_delays.stream = arrivals.stream and hour_delays.arrived_hour = arrivals.arrived_hour

),

ranked_hours as (

    select
        *,
        {%- for column in ['middle_spread', 'high_spread', 'pause_seconds'] %}
        row_number() over (partition by stream order by {{ column }}, arrived_hour) as {{ column }}_rank,
        {%- endfor %}
        {%- for column in ['fast', 'middle', 'quickest'] %}
        row_number() over (partition by stream, arrived_day order by {{ column }}, arrived_hour) as {{ column }}_rank,
        {%- endfor %}
        count(*) over (partition by stream) as hours_count,
        count(*) over (partition by stream, arrived_day) as hours_of_day
    from hours

),

compared_hours as (

    select
        *,
        {%- for column in ['middle_spread', 'high_spread', 'pause_seconds'] %}
        max(case when {{ column }}_rank * 2 in (hours_count, hours_count + 1) then {{ column }} end) {{ of_stream }} as usual_{{ column }},
        {%- endfor %}
        {%- for column in ['fast', 'middle', 'quickest'] %}
        max(case when {{ column }}_rank * 2 in (hours_of_day, hours_of_day + 1) then {{ column }} end)
            over (partition by stream, arrived_day) as {{ column }}_of_day,
        {%- endfor %}
        min(arrived_hour) {{ of_stream }} as first_hour_of_stream,
        hours_count >= 12 * sum(case when fast_rank = 1 then 1 else 0 end) {{ of_stream }} as is_around_the_clock,
        row_number() over (partition by stream order by arrived_hour) as place,
        lag(fast) over (partition by stream order by arrived_hour) as fast_before
    from ranked_hours
    where hours_count >= 10

),

buckets as (

    select
        stream,
        arrived_hour as bucket_start,
        arrived_hour as last_hour,
        fast,
        middle,
        quickest,
        usual_middle_spread,
        first_hour_of_stream,
        place,
        is_around_the_clock,
        true as is_hour
    from compared_hours
    where
        usual_high_spread <= 240
        and abs(middle_spread - usual_middle_spread) <= 30
        and abs(high_spread - usual_high_spread) <= 60
    union all
    select
        stream,
        arrived_day as bucket_start,
        max(arrived_hour) as last_hour,
        {#- Not `fast`: engines differ in which of the two the condition below would mean. #}
        max(fast_of_day) as day_fast,
        max(middle_of_day) as middle,
        max(quickest_of_day) as quickest,
        max(usual_middle_spread) as usual_middle_spread,
        max(first_hour_of_stream) as first_hour_of_stream,
        null as place,
        true as is_around_the_clock,
        false as is_hour
    from compared_hours
    where
        usual_high_spread > 240
        {#- Half as much, or half as much again, as is usual; or an hour. #}
        and abs(middle_of_day - fast_of_day - usual_middle_spread) * 2 <= {{ dbt_forensics.greatest_of('usual_middle_spread', '120') }}
    group by stream, arrived_day
    having count(*) >= 12 and sum(case when abs(fast - fast_of_day) <= 30 then 1 else 0 end) * 4 >= count(*) * 3

),

following_buckets as (

    select
        buckets.*,
        settings.threshold,
        settings.threshold - 15 as least_step,
        settings.expected_delay_minutes
        {%- for number_before in [1, 2, 3] %},
        lag(buckets.fast, {{ number_before }}) over (partition by buckets.stream order by buckets.bucket_start) as fast_{{ number_before }}
        {%- endfor %},
        {#- By how much the next six hours are slower than the six before, in sixths of a minute. #}
        case
            when
                buckets.is_hour
                and count(*) over (partition by buckets.stream order by buckets.bucket_start rows between 6 preceding and 1 preceding) = 6
                and count(*) over (partition by buckets.stream order by buckets.bucket_start rows between current row and 5 following) = 6
                then
                    sum(buckets.fast)
                        over (partition by buckets.stream order by buckets.bucket_start rows between current row and 5 following)
                    - sum(buckets.fast)
                        over (partition by buckets.stream order by buckets.bucket_start rows between 6 preceding and 1 preceding)
            else 0
        end as six_hours_step
    from buckets
    inner join settings
        on buckets.stream = settings.stream

),

stepping_buckets as (

    select
        *,
        coalesce(max(abs(six_hours_step)) over ({{ in_time }} rows between 6 preceding and 1 preceding), 0) as step_before,
        coalesce(max(abs(six_hours_step)) over ({{ in_time }} rows between 1 following and 6 following), 0) as step_after
    from following_buckets

),

compared_buckets as (

    {#-
        A quarter of an hour of a step is left to chance. Where an hour has rows from before and after a step, that step is at the next one. Where rows come hours
        after their events a step takes as long, and is where the six hours after differ most from the six before.
    #}
    select
        *,
        case
            when abs(fast - fast_1) >= least_step then 1
            when
                abs(fast - fast_2) >= least_step
                and abs(fast_1 - fast_2) < least_step
                and coalesce(abs(fast_1 - fast_3) < least_step, true)
                then 1
            when abs(six_hours_step) >= least_step * 6 and abs(six_hours_step) > step_before and abs(six_hours_step) >= step_after then 1
            else 0
        end as is_step
    from stepping_buckets

),

numbered_buckets as (

    select
        *,
        sum(is_step) over (partition by stream order by bucket_start rows between unbounded preceding and current row) as stretch_number,
        sum(is_step) {{ of_stream }} as step_count,
        count(*) {{ of_stream }} as bucket_count
    from compared_buckets

),

ranked_buckets as (

    select
        *,
        {%- for column in ['fast', 'middle', 'quickest'] %}
        row_number() over (partition by stream, stretch_number order by {{ column }}, bucket_start) as {{ column }}_rank,
        {%- endfor %}
        count(*) {{ of_stretch }} as stretch_count
    from numbered_buckets
    {#- Where steps are common the fastest rows say nothing of a clock. #}
    where step_count * 10 <= bucket_count + 10

),

levelled_buckets as (

    select
        *,
        {%- for column in ['fast', 'middle', 'quickest'] %}
        max(case when {{ column }}_rank * 2 in (stretch_count, stretch_count + 1) then {{ column }} end)
            {{ of_stretch }} as {{ column }}_level,
        {%- endfor %}
        first_value(fast) over (partition by stream, stretch_number order by bucket_start rows unbounded preceding) as first_fast,
        first_value(fast) over (partition by stream, stretch_number order by bucket_start desc rows unbounded preceding) as last_fast
    from ranked_buckets

),

steady_stretches as (

    {#-
        What wanders has no level. Where the middle lies elsewhere beside the fastest rows, or most hours do not look like the stream's, delays have spread.
    #}
    select
        stream,
        stretch_number,
        is_hour,
        is_around_the_clock,
        fast_level,
        middle_level,
        quickest_level,
        first_fast,
        last_fast,
        bucket_count,
        threshold,
        least_step,
        expected_delay_minutes,
        first_hour_of_stream,
        count(*) as stretch_count,
        min(place) as first_place,
        max(place) as last_place,
        min(bucket_start) as first_bucket,
        min(last_hour) as first_bucket_last_hour,
        max(bucket_start) as last_bucket,
        max(last_hour) as last_hour,
        count(distinct {{ dbt_forensics.elapsed_seconds(dbt_forensics.window_start('day', 'last_hour'), 'bucket_start') }}) as hours_of_day
    from levelled_buckets
    group by
        stream, stretch_number, is_hour, is_around_the_clock, fast_level, middle_level, quickest_level, usual_middle_spread,
        first_fast, last_fast, bucket_count, threshold, least_step, expected_delay_minutes, first_hour_of_stream
    having
        sum(case when abs(fast - fast_level) <= 30 then 1 else 0 end) * 10 >= count(*) * 8
        and coalesce(count(*) * 2 >= max(place) - min(place) + 1, true)
        and (
            abs(middle_level - fast_level - usual_middle_spread) <= 20
            or abs(middle_level - fast_level - usual_middle_spread) * 3 <= usual_middle_spread
        )

),

neighbouring_stretches as (

    select
        *,
        lag(fast_level) over (partition by stream order by stretch_number) as level_before,
        lead(fast_level) over (partition by stream order by stretch_number) as level_after
    from steady_stretches

),

following_stretches as (

    {#- A few hours of days full of them are chance, unless they are before their events, and no part of a step. #}

    select
        *,
        lag(fast_level) over (partition by stream order by stretch_number) as previous_level
    from neighbouring_stretches
    where
        stretch_count >= 6
        or not is_hour
        or not is_around_the_clock
        or (middle_level < 0 and coalesce((fast_level - level_before) * (level_after - fast_level) <= 0, true))

),

joined_stretches as (

    {#- What lies on both sides of something else, at one level, is one stretch. #}
    select
        *,
        sum(case when abs(fast_level - previous_level) >= least_step then 1 else 0 end) over (
            partition by stream order by stretch_number rows between unbounded preceding and current row
        ) as level_number
    from following_stretches

),

longest_stretches as (

    select
        *,
        {%- for column in ['fast_level', 'middle_level', 'quickest_level'] %}
        first_value({{ column }}) over ({{ level_in }} stretch_count desc, stretch_number asc rows unbounded preceding)
            as long_{{ column }},
        {%- endfor %}
        first_value(first_fast) over ({{ level_in }} stretch_number rows unbounded preceding) as very_first_fast,
        first_value(last_fast) over ({{ level_in }} stretch_number desc rows unbounded preceding) as very_last_fast
    from joined_stretches

),

stretches as (

    select
        stream,
        level_number as stretch_number,
        is_hour,
        is_around_the_clock,
        long_fast_level as fast_level,
        long_middle_level as middle_level,
        long_quickest_level as quickest_level,
        very_first_fast as first_fast,
        very_last_fast as last_fast,
        bucket_count,
        threshold,
        least_step,
        expected_delay_minutes,
        first_hour_of_stream,
        sum(stretch_count) as stretch_count,
        sum(stretch_count) * case when is_hour then 1 else 24 end as hours_in_all,
        min(first_place) as first_place,
        max(last_place) as last_place,
        min(first_bucket) as first_bucket,
        min(first_bucket_last_hour) as first_bucket_last_hour,
        max(last_bucket) as last_bucket,
        max(last_hour) as last_hour,
        max(hours_of_day) as hours_of_day,
        {{ dbt_forensics.elapsed_seconds('min(first_bucket)', 'max(last_hour)') }} as lasted_seconds
    from longest_stretches
    group by
        stream, level_number, is_hour, is_around_the_clock, long_fast_level, long_middle_level, long_quickest_level,
        very_first_fast, very_last_fast, bucket_count, threshold, least_step, expected_delay_minutes, first_hour_of_stream

),

ordered_stretches as (

    select
        *,
        lag(fast_level) over (partition by stream order by stretch_number) as previous_level,
        lag(middle_level) over (partition by stream order by stretch_number) as previous_middle_level,
        lag(last_fast) over (partition by stream order by stretch_number) as previous_fast,
        lag(last_bucket) over (partition by stream order by stretch_number) as previous_bucket,
        lag(last_place) over (partition by stream order by stretch_number) as previous_place,
        {#- The first stretch that is long enough to tell what the stream began with: five hours or days, and a week or a tenth of what there is. #}
        min(
            case when stretch_count >= 5 and (hours_in_all >= 168 or stretch_count * 10 >= bucket_count) then stretch_number end
        ) {{ of_stream }} as first_number
    from stretches

),

first_stretches as (

    select
        *,
        stretch_count >= 10 and fast_level <= -30 and middle_level < 0 as is_ahead,
        {#-
            No clock of the world but a few islands' is behind UTC by less than three hours, and many feeds are late by so much. A batch has one delay
            too, if it comes at one hour of the day.
        #}
        fast_level >= 180 and lasted_seconds >= 172800 and (hours_of_day >= 12 or not is_hour) as is_behind
    from ordered_stretches
    where stretch_number = first_number and abs(fast_level) <= 855

),

repaired_stretches as (

    {#- The first long stretch after a wrong one in which rows come soon after their events. #}
    select
        stretches.stream,
        min(stretches.stretch_number) as stretch_number
    from stretches
    inner join first_stretches
        on stretches.stream = first_stretches.stream
    where
        stretches.stretch_number > first_stretches.first_number
        and stretches.fast_level between -30 and 150
        and (
            (
                first_stretches.fast_level <= -30
                and stretches.fast_level - first_stretches.fast_level >= first_stretches.least_step
                and stretches.stretch_count >= 2
            )
            or (
                first_stretches.is_behind
                and first_stretches.fast_level - stretches.fast_level >= 165
                and stretches.hours_in_all >= 24
            )
        )
    group by stretches.stream

),

right_levels as (

    select
        first_stretches.stream,
        first_stretches.first_number,
        repaired.fast_level is not null
        or first_stretches.is_ahead
        or (first_stretches.is_behind and first_stretches.quickest_level > first_stretches.expected_delay_minutes) as is_wrong_from_first,
        coalesce(repaired.fast_level, 0) as repaired_level,
        coalesce(repaired.quickest_level, 0) as repaired_quickest,
        first_stretches.fast_level as first_level
    from first_stretches
    left join repaired_stretches
        on first_stretches.stream = repaired_stretches.stream
    left join stretches as repaired
        on repaired_stretches.stream = repaired.stream and repaired_stretches.stretch_number = repaired.stretch_number

),

judged_stretches as (

    select
        ordered_stretches.*,
        ordered_stretches.previous_fast + ordered_stretches.first_fast as middle_fast,
        right_levels.is_wrong_from_first and ordered_stretches.stretch_number = right_levels.first_number as is_from_first_row,
        {#- To the half hour. #}
        cast(floor((
            case
                when ordered_stretches.stretch_number = right_levels.first_number
                    then ordered_stretches.quickest_level - right_levels.repaired_quickest
                else ordered_stretches.fast_level - ordered_stretches.previous_level
            end + 15
        ) / 30.0) as {{ dbt.type_bigint() }}) * 30 as shift,
        case
            when ordered_stretches.stretch_number < right_levels.first_number then false
            when right_levels.is_wrong_from_first and ordered_stretches.stretch_number = right_levels.first_number then true
            when right_levels.is_wrong_from_first
                then abs(ordered_stretches.fast_level - right_levels.repaired_level) >= ordered_stretches.least_step
            else abs(ordered_stretches.fast_level - right_levels.first_level) >= ordered_stretches.least_step
        end as is_wrong
    from ordered_stretches
    inner join right_levels
        on ordered_stretches.stream = right_levels.stream

),

dated_stretches as (

    {#-
        The day of a step has hours of both kinds, and hours at a step may be unlike others. A step to longer delays is behind the last hour that had a short one,
        and one to shorter delays at the first.
    #}
    select
        judged_stretches.stream,
        judged_stretches.stretch_number,
        max(case when hours.arrived_hour > judged_stretches.previous_bucket then hours.pause_seconds end) as pause_seconds,
        min(hours.usual_pause_seconds) as usual_pause_seconds,
        case
            when max(judged_stretches.shift) > 0
                then max(case when hours.fast_before * 2 < judged_stretches.middle_fast then hours.arrived_hour end)
            else min(case when hours.fast * 2 < judged_stretches.middle_fast then hours.arrived_hour end)
        end as first_hour
    from judged_stretches
    inner join compared_hours as hours
        on
            judged_stretches.stream = hours.stream
            and judged_stretches.first_bucket_last_hour >= hours.arrived_hour
            and judged_stretches.previous_bucket <= hours.arrived_hour
            and (
                not judged_stretches.is_hour
                or hours.arrived_hour >= {{ dbt_forensics.time_plus('hour', -6, 'judged_stretches.first_bucket') }}
            )
    group by judged_stretches.stream, judged_stretches.stretch_number

),

bounded_stretches as (

    select
        judged_stretches.*,
        dated_stretches.pause_seconds,
        dated_stretches.usual_pause_seconds,
        case
            when judged_stretches.is_from_first_row and judged_stretches.stretch_number = 0 then judged_stretches.first_hour_of_stream
            else coalesce(dated_stretches.first_hour, judged_stretches.first_bucket)
        end as first_hour
    from judged_stretches
    left join dated_stretches
        on judged_stretches.stream = dated_stretches.stream and judged_stretches.stretch_number = dated_stretches.stretch_number

),

spans as (

    select
        *,
        lead(first_hour) over (partition by stream order by stretch_number) as next_first_hour
    from bounded_stretches

),

moved_spans as (

    {#-
        Rows before their events are enough. Rows after them are moved if arrivals went on meanwhile, else they were held up, by no more than what the
        pause was longer than usual, or a queue grew hour by hour; in two days no queue keeps its length. A feed that becomes faster must have become so for a day.
    #}
    select
        *,
        case
            when is_hour or next_first_hour is null then last_hour
            else {{ dbt_forensics.time_plus('hour', -1, 'next_first_hour') }}
        end as end_hour,
        next_first_hour is not null as is_over,
        stretch_count * 2 > bucket_count as is_usual
    from spans
    where
        is_wrong
        and abs(shift) between threshold and 840
        and (
            is_from_first_row
            or (shift < 0 and middle_level < 0)
            or (shift < 0 and (lasted_seconds >= 86400 or hours_in_all > 24))
            or lasted_seconds >= 172800
            or hours_in_all >= 48
            or (is_hour and shift > 0 and first_place - previous_place <= 4 and pause_seconds - usual_pause_seconds < shift * 30)
        )

)

select
    moved_spans.stream,
    moved_spans.first_hour,
    moved_spans.end_hour as last_hour,
    max(moved_spans.shift) as shift_minutes,
    max(
        case when moved_spans.is_from_first_row then moved_spans.middle_level - moved_spans.shift else moved_spans.previous_middle_level end
    ) as usual_minutes,
    max(moved_spans.quickest_level) as fastest_minutes,
    moved_spans.is_from_first_row,
    moved_spans.is_usual,
    moved_spans.is_over,
    sum(arrivals.row_count) as row_count,
    min(case when moved_spans.is_hour then hour_delays.first_event_at else hour_delays.first_event_of_half_at end) as first_event_at,
    min(arrivals.first_arrived_at) as first_arrived_at,
    max(arrivals.last_arrived_at) as last_arrived_at,
    {#- That a clock was wrong from the first row may be known by its repair alone. #}
    max(case when moved_spans.is_from_first_row then arrivals.stream_touched_at else arrivals.touched_at end) as touched_at
from moved_spans
inner join arrivals
    on moved_spans.stream = arrivals.stream and arrivals.arrived_hour between moved_spans.first_hour and moved_spans.end_hour
left join hour_delays
    on arrivals.stream = hour_delays.stream and arrivals.arrived_hour = hour_delays.arrived_hour
group by
    moved_spans.stream, moved_spans.stretch_number, moved_spans.first_hour, moved_spans.end_hour, moved_spans.is_from_first_row,
    moved_spans.is_usual, moved_spans.is_over
