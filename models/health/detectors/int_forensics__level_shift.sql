-- One row per metric, dimensions and day from which its level is another, and stays so for a week.
{#-
    Each of seven days is on the same side of the same weekday before, by more than twice the median distance between two such days, and on average by more than five times that
    and the threshold's share of the level. That is so of the day of the move and of none after it. It is over a week later, when the new level is the usual one.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
{%- set week = 'over (partition by moves.series order by moves.day_number rows between current row and 6 following)' %}
with {{ dbt_forensics._digit_rows() }},

metric_days as (

    select * from {{ dbt_forensics._input('int_forensics__metric_days') }}

),

levels as (

    select * from {{ dbt_forensics._input('int_forensics__metric_levels') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'level_shift' and is_enabled

),

numbers as (

    select tens.digit * 10 + ones.digit as number
    from digits as ones
    cross join digits as tens
    where tens.digit * 10 + ones.digit between 1 and 28

),

moves as (

    select
        metric_days.series,
        metric_days.day_number,
        metric_days.is_judged,
        metric_days.touched_at,
        metric_days.usual_level,
        metric_days.middle,
        metric_days.middle - before.middle as difference
    from metric_days
    inner join metric_days as before
        on metric_days.series = before.series and metric_days.day_number = before.day_number + 7

),

moves_before as (

    select
        moves.series,
        moves.day_number + numbers.number as day_number,
        abs(moves.difference) as distance,
        row_number() over (partition by moves.series, moves.day_number + numbers.number order by abs(moves.difference)) as distance_rank,
        count(*) over (partition by moves.series, moves.day_number + numbers.number) as distance_count
    from moves
    cross join numbers

),

spreads as (

    select
        series,
        day_number,
        max(case when distance_rank * 2 in (distance_count, distance_count + 1) then distance end) as spread
    from moves_before
    where distance_count >= 7
    group by series, day_number

),

weeks as (

    select
        moves.*,
        spreads.spread,
        sum(moves.difference) {{ week }} as sum_of_moves,
        min(moves.difference) {{ week }} as lowest_move,
        max(moves.difference) {{ week }} as highest_move,
        max(moves.touched_at) {{ week }} as week_touched_at,
        max(moves.day_number) {{ week }} as last_day_of_week,
        count(*) {{ week }} as day_count,
        max(moves.day_number) over (partition by moves.series) as last_day
    from moves
    left join spreads
        on moves.series = spreads.series and moves.day_number = spreads.day_number

),

sides as (

    select
        *,
        case
            when day_count < 7 or last_day_of_week > day_number + 8 then 0
            when lowest_move > spread * 2 then 1
            when highest_move < spread * -2 then -1
            else 0
        end as side
    from weeks

),

followed_sides as (

    select
        *,
        lag(side) over (partition by series order by day_number) as side_before
    from sides

),

shifts as (

    select *
    from followed_sides
    where
        side <> 0
        and is_judged
        and coalesce(side_before, 0) <> side
        and abs(sum_of_moves) > spread * 35

),

values_of_shifts as (

    {#- In hours: the move was after the last one, of the day and of the day before, that was nearer to the old level. #}
    select
        shifts.series,
        shifts.day_number,
        shifts.side,
        shifts.spread,
        shifts.usual_level as old_level,
        shifts.sum_of_moves,
        shifts.week_touched_at,
        shifts.last_day,
        levels.stream,
        levels.subject,
        levels.metric,
        levels.window_start,
        levels.window_end,
        max(case when levels.deviation * shifts.side * 14 <= abs(shifts.sum_of_moves) then levels.window_start end) over (
            partition by shifts.series, shifts.day_number
        ) as last_old_window,
        min(case when levels.day_number = shifts.day_number then levels.window_start end) over (
            partition by shifts.series, shifts.day_number
        ) as first_window_of_day,
        max(levels.window_start) over (partition by shifts.series, shifts.day_number) as last_window
    from shifts
    inner join levels
        on shifts.series = levels.series and levels.day_number between shifts.day_number - 1 and shifts.day_number

),

dated_shifts as (

    select
        *,
        row_number() over (partition by series, day_number order by window_start) as window_rank
    from values_of_shifts
    where
        case
            when last_old_window is null or last_old_window = last_window then window_start = first_window_of_day
            else window_start > last_old_window
        end

)

select
    dated_shifts.stream,
    'level_shift' as detector,
    dated_shifts.subject,
    {{ dbt_forensics.canonical_text('dated_shifts.window_start', dbt.type_timestamp()) }} as identity_text,
    dated_shifts.window_start,
    dated_shifts.window_end,
    settings.severity,
    cast(
        dated_shifts.old_level
        + {{ dbt_forensics.exact_quotient('cast(dated_shifts.sum_of_moves as ' ~ number ~ ')', 7) }} as {{ number }}
    ) as observed,
    cast(dated_shifts.old_level as {{ number }}) as expected,
    {{ dbt_forensics.evidence({}, {
        'side': "case when dated_shifts.side > 0 then 'high' else 'low' end",
        'metric': 'dated_shifts.metric',
    }) }} as evidence,
    dated_shifts.window_start as first_event_at,
    cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    dated_shifts.last_day >= dated_shifts.day_number + 13 as is_over,
    dated_shifts.week_touched_at as touched_at
from dated_shifts
inner join settings
    on dated_shifts.stream = settings.stream
where
    dated_shifts.window_rank = 1
    and abs(dated_shifts.sum_of_moves) > cast(abs(dated_shifts.old_level) * 7 * cast(settings.threshold as numeric(9, 3)) as {{ number }})
