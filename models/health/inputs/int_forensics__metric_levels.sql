-- One row per value that can be judged: what was to be expected, how far it is from that, and how far it commonly is.
{#-
    Expected is the level of the week before and, in hours, what the hour of the day commonly has above it (the median of two weeks). Medians, so that incidents do not matter while they are
    the fewer. The three windows at the same hour and weekday before tell whether such a distance is the season's.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with {{ dbt_forensics._digit_rows() }},

metric_values as (

    select * from {{ dbt_forensics._input('int_forensics__metric_values') }}

),

metric_days as (

    select * from {{ dbt_forensics._input('int_forensics__metric_days') }}

),

numbers as (

    select tens.digit * 10 + ones.digit as number
    from digits as ones
    cross join digits as tens
    where tens.digit * 10 + ones.digit between 1 and 28

),

values_of_days as (

    select
        metric_values.*,
        metric_days.usual_level,
        metric_values.value - metric_days.middle as above_middle
    from metric_values
    inner join metric_days
        on metric_values.series = metric_days.series and metric_values.day_number = metric_days.day_number

),

hours_before as (

    select
        values_of_days.series,
        values_of_days.slot,
        values_of_days.day_number + numbers.number as day_number,
        values_of_days.above_middle
    from values_of_days
    cross join numbers
    where
        values_of_days.window_period = 'hour'
        and numbers.number <= 14
        and values_of_days.day_number + numbers.number between values_of_days.first_judged_day - 28 and values_of_days.last_day

),

ranked_hours as (

    select
        *,
        row_number() over (partition by series, slot, day_number order by above_middle) as hour_rank,
        count(*) over (partition by series, slot, day_number) as hour_count
    from hours_before

),

hours_with_middle as (

    select
        *,
        {{ dbt_forensics._middle('above_middle', 'hour', 'series, slot, day_number') }} as hour_middle
    from ranked_hours
    where hour_count >= 2

),

ranked_distances as (

    select
        *,
        row_number() over (partition by series, slot, day_number order by abs(above_middle - hour_middle)) as distance_rank
    from hours_with_middle

),

hours as (

    select
        series,
        slot,
        day_number,
        hour_middle,
        max(case when distance_rank * 2 in (hour_count, hour_count + 1) then abs(above_middle - hour_middle) end) as hour_distance
    from ranked_distances
    group by series, slot, day_number, hour_middle

),

deviations as (

    select
        values_of_days.*,
        values_of_days.usual_level + coalesce(hours.hour_middle, 0) as expected,
        values_of_days.value - values_of_days.usual_level - coalesce(hours.hour_middle, 0) as deviation,
        coalesce(hours.hour_distance, 0) as hour_distance
    from values_of_days
    left join hours
        on
            values_of_days.series = hours.series
            and values_of_days.slot = hours.slot
            and values_of_days.day_number = hours.day_number
    where
        values_of_days.usual_level is not null
        and values_of_days.day_number >= values_of_days.first_judged_day - 28
        and (values_of_days.window_period = 'day' or hours.series is not null)

),

ranked_deviations as (

    select
        series,
        day_number,
        last_day,
        first_judged_day,
        abs(deviation) as distance,
        row_number() over (partition by series, day_number order by abs(deviation)) as distance_rank,
        count(*) over (partition by series, day_number) as distance_count
    from deviations

),

distances_of_days as (

    select
        series,
        day_number,
        max(last_day) as last_day,
        min(first_judged_day) as first_judged_day,
        max(distance) as highest,
        max(case when distance_rank * 2 in (distance_count, distance_count + 1) then distance end) as middle
    from ranked_deviations
    group by series, day_number

),

distances_before as (

    select
        distances_of_days.series,
        distances_of_days.day_number + numbers.number as day_number,
        distances_of_days.highest,
        distances_of_days.middle,
        row_number() over (
            partition by distances_of_days.series, distances_of_days.day_number + numbers.number order by distances_of_days.middle
        ) as middle_rank,
        count(*) over (partition by distances_of_days.series, distances_of_days.day_number + numbers.number) as middle_count
    from distances_of_days
    cross join numbers
    where
        distances_of_days.day_number + numbers.number
        between distances_of_days.first_judged_day and distances_of_days.last_day

),

spreads as (

    select
        series,
        day_number,
        max(highest) as highest_distance,
        max(case when middle_rank * 2 in (middle_count, middle_count + 1) then middle end) as spread
    from distances_before
    where middle_count >= 3
    group by series, day_number

),

level_ratios as (

    {#- Of a level that moved, and stayed on its side of zero: what the season has above it moved as much. #}
    select
        before.series,
        before.day_number,
        digits.digit as weeks_ago,
        {{ dbt_forensics.share_of('metric_days.usual_level', 'before.usual_level') }} as ratio
    from metric_days
    cross join digits
    inner join metric_days as before
        on metric_days.series = before.series and metric_days.day_number = before.day_number + digits.digit * 7
    where digits.digit between 1 and 3 and metric_days.day_number >= metric_days.first_judged_day

),

season_deviations as (

    select
        deviations.series,
        deviations.slot,
        deviations.day_number + level_ratios.weeks_ago * 7 as day_number,
        level_ratios.weeks_ago,
        case
            when level_ratios.ratio between 0.25 and 4
                then cast(deviations.deviation * cast(level_ratios.ratio as numeric(12, 6)) as {{ dbt_forensics.type_exact_number() }})
            else deviations.deviation
        end as deviation
    from deviations
    inner join level_ratios
        on deviations.series = level_ratios.series and deviations.day_number = level_ratios.day_number

),

seasons as (

    select
        series,
        slot,
        day_number,
        max(case when weeks_ago <= 2 then deviation end) as highest_of_two,
        min(case when weeks_ago <= 2 then deviation end) as lowest_of_two,
        max(deviation) as highest_of_three,
        min(deviation) as lowest_of_three,
        count(*) as season_count
    from season_deviations
    group by series, slot, day_number

)

select
    deviations.series,
    deviations.stream,
    deviations.metric,
    deviations.dimensions,
    deviations.subject,
    deviations.window_period,
    deviations.window_start,
    deviations.window_end,
    deviations.day_number,
    deviations.slot,
    deviations.value,
    deviations.input_count,
    deviations.is_irregular,
    deviations.has_too_few_rows,
    deviations.is_too_young,
    deviations.is_low_for_a_reason,
    deviations.is_high_for_a_reason,
    deviations.is_judged,
    deviations.touched_at,
    deviations.usual_level,
    deviations.expected,
    deviations.deviation,
    deviations.hour_distance,
    spreads.spread,
    spreads.highest_distance,
    seasons.highest_of_two,
    seasons.lowest_of_two,
    seasons.highest_of_three,
    seasons.lowest_of_three,
    coalesce(seasons.season_count, 0) as season_count
from deviations
left join spreads
    on deviations.series = spreads.series and deviations.day_number = spreads.day_number
left join seasons
    on
        deviations.series = seasons.series
        and deviations.slot = seasons.slot
        and deviations.day_number = seasons.day_number
