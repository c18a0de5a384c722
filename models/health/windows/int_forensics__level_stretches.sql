-- One row per stretch of days in which a stream had far fewer events than before it, or none (low), or far more (high), unless it rests like that.
{#-
    Compared by the day, so that nights and hours do not matter, with the median of the last fourteen days that had events: a stretch begins with a day beyond the
    share of volume_anomaly, and ends where two days in a row are within it again. When 56 days with events have passed, the new level is accepted: that
    is as far back as a season is compared. Days without events never make a level. A stretch is a rest if two others are as long, or a little longer:
    weekends, a feed that comes once a month.
-#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with {{ dbt_forensics._digit_rows() }},

spans as (

    select * from {{ dbt_forensics._input('int_forensics__window_spans') }}

),

window_counts as (

    select * from {{ dbt_forensics._input('int_forensics__window_counts') }}

),

settings as (

    select
        stream,
        cast(threshold as numeric(12, 6)) as low_share,
        cast({{ dbt_forensics.share_of('threshold', '(1 - threshold)') }} as numeric(12, 6)) as high_share
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'volume_anomaly'

),

offsets as (

    select tens.digit * 10 + ones.digit as days_after
    from digits as ones
    cross join digits as tens
    where tens.digit * 10 + ones.digit between 1 and 56

),

judged_spans as (

    select
        stream,
        first_window,
        {{ dbt_forensics.window_start('day', 'first_window') }} as first_day,
        {{ dbt_forensics.time_plus(
            'minute',
            '-(expected_delay_minutes + case when usual_late_share < 0.5 then 0 else allowed_lateness_minutes end)',
            'concluded_at'
        ) }} as due_until
    from spans

),

due_spans as (

    select
        *,
        cast(
            floor({{ dbt_forensics.elapsed_seconds('first_day', 'due_until') }} / 86400) as {{ dbt.type_bigint() }}
        ) as due_days
    from judged_spans

),

numbered_counts as (

    select
        window_counts.*,
        due_spans.due_days,
        cast(floor(
            {{ dbt_forensics.elapsed_seconds('due_spans.first_day', 'window_counts.window_start') }} / 86400
        ) as {{ dbt.type_bigint() }}) as day_number
    from window_counts
    inner join due_spans
        on window_counts.stream = due_spans.stream and window_counts.window_start >= due_spans.first_window

),

counted_days as (

    select
        stream,
        due_days,
        day_number,
        sum(rows_count - duplicate_count - conflict_count - superseded_count) as volume
    from numbered_counts
    group by stream, due_days, day_number

),

ranked_days as (

    select
        *,
        row_number() over (partition by stream order by day_number) as day_rank,
        lead(day_number) over (partition by stream order by day_number) as next_number,
        lead(volume) over (partition by stream order by day_number) as next_volume
    from counted_days
    where volume > 0 and day_number < due_days

),

earlier_volumes as (

    select
        ranked_days.stream,
        ranked_days.day_rank + offsets.days_after as day_rank,
        ranked_days.volume
    from ranked_days
    cross join offsets
    where offsets.days_after <= 14

),

ranked_volumes as (

    select
        *,
        row_number() over (partition by stream, day_rank order by volume) as place_among,
        count(*) over (partition by stream, day_rank) as sample_count
    from earlier_volumes

),

levels as (

    select
        stream,
        day_rank,
        max(volume) as usual_volume
    from ranked_volumes
    where sample_count >= 7 and place_among * 2 in (sample_count, sample_count + 1)
    group by stream, day_rank

),

bounded_days as (

    {#- Of sixteen or fewer there may be none by chance. #}
    select
        ranked_days.*,
        cast(levels.usual_volume as numeric(18, 0)) * (1 - settings.low_share) as low_volume,
        cast(levels.usual_volume as numeric(18, 0)) * (1 + settings.high_share) as high_volume
    from ranked_days
    inner join settings
        on ranked_days.stream = settings.stream
    left join levels
        on ranked_days.stream = levels.stream and ranked_days.day_rank = levels.day_rank and levels.usual_volume > 16

),

sided_days as (

    select
        *,
        case when volume < low_volume then 'low' when volume > high_volume then 'high' end as side
    from bounded_days

),

followed_days as (

    select
        *,
        lag(side) over (partition by stream order by day_rank) as side_before
    from sided_days

),

shifts as (

    select *
    from followed_days
    where side is not null and (side_before is null or side_before <> side)

),

shift_ends as (

    select
        shifts.stream,
        shifts.side,
        shifts.day_number as first_number,
        shifts.due_days,
        min(case
            when shifts.side = 'low' and later_days.volume >= shifts.low_volume and later_days.next_volume >= shifts.low_volume
                then later_days.day_number
            when shifts.side = 'high' and later_days.volume <= shifts.high_volume and later_days.next_volume <= shifts.high_volume
                then later_days.day_number
        end) as recovered_number,
        max(case when offsets.days_after = 56 then later_days.day_number end) as accepted_number
    from shifts
    cross join offsets
    left join ranked_days as later_days
        on shifts.stream = later_days.stream and shifts.day_rank + offsets.days_after = later_days.day_rank
    group by shifts.stream, shifts.side, shifts.day_number, shifts.due_days

),

found_stretches as (

    select
        stream,
        side,
        first_number,
        coalesce(recovered_number, accepted_number, due_days) as end_number,
        case when recovered_number is null and accepted_number is not null then 1 else 0 end as is_accepted
    from shift_ends
    union all
    select
        stream,
        'low' as side,
        day_number + 1 as first_number,
        coalesce(next_number, due_days) as end_number,
        0 as is_accepted
    from ranked_days
    where coalesce(next_number, due_days) > day_number + 1

),

reaching_stretches as (

    select
        *,
        max(end_number) over (
            partition by stream, side order by first_number, end_number rows between unbounded preceding and 1 preceding
        ) as reached_before
    from found_stretches

),

stretches_in_islands as (

    select
        *,
        sum(case when first_number <= reached_before then 0 else 1 end) over (
            partition by stream, side order by first_number, end_number rows between unbounded preceding and current row
        ) as island
    from reaching_stretches

),

ended_stretches as (

    select
        *,
        max(end_number) over (partition by stream, side, island) as island_end
    from stretches_in_islands

),

stretches as (

    select
        stream,
        side,
        min(first_number) as first_number,
        max(end_number) as end_number,
        max(end_number) - min(first_number) as day_count,
        max(case when end_number = island_end then is_accepted else 0 end) = 1 as is_accepted
    from ended_stretches
    group by stream, side, island

),

lengths as (

    select
        stream,
        side,
        day_count,
        count(*) as stretch_count
    from stretches
    group by stream, side, day_count

),

similar_lengths as (

    select
        lengths.stream,
        lengths.side,
        lengths.day_count,
        sum(other_lengths.stretch_count) - 1 as other_count
    from lengths
    inner join lengths as other_lengths
        on
            lengths.stream = other_lengths.stream
            and lengths.side = other_lengths.side
            and lengths.day_count <= other_lengths.day_count
            and lengths.day_count * 5 + 4 >= other_lengths.day_count * 4
    group by lengths.stream, lengths.side, lengths.day_count

)

select
    stretches.stream,
    stretches.side,
    {{ dbt_forensics.time_plus('day', 'stretches.first_number', 'due_spans.first_day') }} as stretch_start,
    {{ dbt_forensics.time_plus('day', 'stretches.end_number', 'due_spans.first_day') }} as stretch_end,
    stretches.day_count,
    stretches.is_accepted
from stretches
inner join due_spans
    on stretches.stream = due_spans.stream
inner join similar_lengths
    on
        stretches.stream = similar_lengths.stream
        and stretches.side = similar_lengths.side
        and stretches.day_count = similar_lengths.day_count
where stretches.side = 'high' or similar_lengths.other_count < 2 or stretches.is_accepted
