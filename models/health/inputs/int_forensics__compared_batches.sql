-- One row per batch with rows, beside what is usual of its stream's batches.
{#-
    The median share of repetitions, and of rows that could not be read or values that are missing; its usual size, which is the median of the three batches
    before it whose last row arrived in the same hour of the same weekday (of all at that hour, where there are not three), and less on a day on which its other
    batches are smaller; and usual_distance_share, how far four in five are from that at most.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with batches as (

    select * from {{ dbt_forensics._input('int_forensics__batch_counts') }}

),

sized_batches as (

    select
        *,
        {{ dbt_forensics.elapsed_seconds(
            dbt_forensics.window_start('day', 'last_arrived_at'), dbt_forensics.window_start('hour', 'last_arrived_at')
        ) }} as arrived_at_hour,
        {{ dbt_forensics.weekday_number('last_arrived_at') }} as arrived_on_weekday,
        {{ dbt_forensics.window_start('day', 'last_arrived_at') }} as arrived_on,
        rows_count as volume,
        {#- What repeats other loads is no measure of them. #}
        case when duplicate_count * 2 >= rows_count then 1 else 0 end as is_repetition,
        {#- A row that is held back is so each time it comes, and never called a duplicate; one in conflict is in conflict again. #}
        {{ dbt_forensics.share_of('(duplicate_count + conflict_count)', '(rows_count - quarantined_count)') }} as repeated_share,
        case
            when unreadable_count * value_count >= null_count * rows_count
                then {{ dbt_forensics.share_of('unreadable_count', 'rows_count') }}
            else {{ dbt_forensics.share_of('null_count', 'value_count') }}
        end as wrong_share
    from batches
    where rows_count > 0

),

ranked_batches as (

    select
        *,
        row_number() over (partition by stream, is_repetition, arrived_at_hour order by volume, batch_id) as any_day_rank,
        count(*) over (partition by stream, is_repetition, arrived_at_hour) as any_day_count,
        {%- for weeks in [1, 2, 3] %}
        lag(volume, {{ weeks }}) over (
            partition by stream, is_repetition, arrived_at_hour, arrived_on_weekday order by last_arrived_at, batch_id
        ) as volume_before_{{ weeks }},
        {%- endfor %}
        row_number() over (partition by stream order by repeated_share, batch_id) as repeated_rank,
        row_number() over (partition by stream order by wrong_share, batch_id) as wrong_rank,
        row_number() over (partition by stream order by rows_count, batch_id) as size_rank,
        lead(recorded_at) over (partition by stream order by first_arrived_at, batch_id) as next_recorded_at,
        count(*) over (partition by stream) as batch_count
    from sized_batches

),

sizes_before as (

    {#- The middle one of the three before it: neither a wave of months nor one incident among them matters. #}
    select
        *,
        case
            when volume_before_3 is not null
                then {{ dbt_forensics.greatest_of(
                    '(' ~ dbt_forensics.least_of('volume_before_1', 'volume_before_2') ~ ')',
                    '(' ~ dbt_forensics.least_of('(' ~ dbt_forensics.greatest_of('volume_before_1', 'volume_before_2') ~ ')', 'volume_before_3') ~ ')'
                ) }}
            else {{ dbt_forensics._middle('volume', 'any_day', 'stream, is_repetition, arrived_at_hour') }}
        end as volume_before,
        case when volume_before_3 is not null then 1 else 0 end as is_by_weekday
    from ranked_batches

),

sizes_of_days as (

    select
        *,
        sum(volume) over (partition by stream, is_repetition, arrived_on) - volume as others_volume,
        sum(volume_before) over (partition by stream, is_repetition, arrived_on) - volume_before as others_volume_before
    from sizes_before

),

usual_sizes as (

    {#- On a day on which all loads are small, such as a holiday, none of them is broken. #}
    {%- set level = 'cast(' ~ dbt_forensics.share_of('others_volume', 'others_volume_before') ~ ' as numeric(18, 9))' %}
    select
        *,
        case
            when others_volume >= others_volume_before and others_volume_before > 0 then volume_before
            when others_volume_before > 0 then cast(floor(cast(volume_before as numeric(18, 0)) * {{ level }}) as {{ dbt.type_bigint() }})
        end as usual_volume
    from sizes_of_days

),

distances_of_batches as (

    select
        *,
        {#- By how much the larger is more than the smaller: half as many rows are as far away as twice as many. #}
        {{ dbt_forensics.share_of(
            'abs(volume - usual_volume)', '(' ~ dbt_forensics.least_of('volume', 'usual_volume') ~ ')'
        ) }} as distance_share
    from usual_sizes

),

ranked_distances_of_batches as (

    {#- A load that is alone on its day is far from nothing. #}
    {%- set known = 'partition by stream, is_repetition, arrived_at_hour, case when distance_share is null then 1 else 0 end' %}
    select
        *,
        row_number() over ({{ known }} order by distance_share, batch_id) as distance_rank,
        count(*) over ({{ known }}) as distance_count,
        row_number() over ({{ known }}, is_by_weekday order by distance_share, batch_id) as alike_rank,
        count(*) over ({{ known }}, is_by_weekday) as alike_count
    from distances_of_batches

)

select
    stream,
    batch_id,
    first_window,
    last_window,
    rows_count,
    duplicate_count,
    conflict_count,
    null_count,
    value_count,
    unreadable_count,
    volume,
    is_repetition,
    repeated_share,
    wrong_share,
    any_day_count,
    batch_count,
    usual_volume,
    distance_share,
    sample_event_ids,
    first_event_at,
    first_arrived_at,
    last_arrived_at,
    next_recorded_at,
    touched_at,
    {#- Of batches that are compared in the same way, where there are ten: without a weekday of its own each weekend is far away. #}
    case
        when alike_count >= 10
            then
                max(case when alike_rank * 5 >= alike_count * 4 and alike_rank * 5 < alike_count * 4 + 5 then distance_share end)
                    over (partition by stream, is_repetition, arrived_at_hour, is_by_weekday)
        else
            max(case when distance_rank * 5 >= distance_count * 4 and distance_rank * 5 < distance_count * 4 + 5 then distance_share end)
                over (partition by stream, is_repetition, arrived_at_hour)
    end as usual_distance_share,
    max(case when repeated_rank * 2 in (batch_count, batch_count + 1) then repeated_share end)
        over (partition by stream) as usual_repeated_share,
    max(case when wrong_rank * 2 in (batch_count, batch_count + 1) then wrong_share end)
        over (partition by stream) as usual_wrong_share,
    max(case when size_rank * 2 in (batch_count, batch_count + 1) then rows_count end) over (partition by stream) as usual_size,
    min(first_arrived_at) over (partition by stream) as earliest_first_arrived_at,
    max(first_arrived_at) over (partition by stream) as latest_first_arrived_at
from ranked_distances_of_batches
