-- One row per metric, dimensions and day with values: the median of the day, and its level, the median of the days of the week before.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with {{ dbt_forensics._digit_rows() }},

metric_values as (

    select * from {{ dbt_forensics._input('int_forensics__metric_values') }}

),

ranked_values as (

    select
        *,
        row_number() over (partition by series, day_number order by value) as value_rank,
        count(*) over (partition by series, day_number) as value_count
    from metric_values

),

days as (

    select
        series,
        day_number,
        min(first_judged_day) as first_judged_day,
        max(case when is_judged then 1 else 0 end) = 1 as is_judged,
        max(touched_at) as touched_at,
        max(case when value_rank * 2 in (value_count, value_count + 1) then value end) as middle
    from ranked_values
    group by series, day_number

),

days_before as (

    select
        days.series,
        days.day_number + digits.digit as day_number,
        days.middle,
        row_number() over (partition by days.series, days.day_number + digits.digit order by days.middle) as middle_rank,
        count(*) over (partition by days.series, days.day_number + digits.digit) as middle_count
    from days
    cross join digits
    where digits.digit between 1 and 7

),

levels as (

    select
        series,
        day_number,
        max(case when middle_rank * 2 in (middle_count, middle_count + 1) then middle end) as usual_level
    from days_before
    where middle_count >= 2
    group by series, day_number

)

select
    days.*,
    levels.usual_level
from days
left join levels
    on days.series = levels.series and days.day_number = levels.day_number
