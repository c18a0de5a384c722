{% macro usual_batches() %}
    {#-
        CTEs, the last of them named compared_batches: each batch with what is usual of the stream's: the median share of repetitions, and of rows that could not be
        read or values that are missing; its usual size, which is the median of the three batches before it whose last row arrived in the same hour of the same weekday (of all
        at that hour, where there are not three), and less on a day on which its other batches are smaller; and usual_distance_share, how far four in five are from that at most.
        Needs the CTE batches.
    -#}
    sized_batches as (

        select
            *,
            {{ dbt_forensics.elapsed_seconds(dbt_forensics.window_start('day', 'last_arrived_at'), dbt_forensics.window_start('hour', 'last_arrived_at')) }} as arrived_at_hour,
            {{ dbt_forensics.weekday_number('last_arrived_at') }} as arrived_on_weekday,
            {{ dbt_forensics.window_start('day', 'last_arrived_at') }} as arrived_on,
            rows_count as volume,
            {#- What repeats other loads is no measure of them. #}
            case when duplicate_count * 2 >= rows_count then 1 else 0 end as is_repetition,
            {#- A row that is held back is so each time it comes, and never called a duplicate; one in conflict is in conflict again. #}
            {{ dbt_forensics.share_of('(duplicate_count + conflict_count)', '(rows_count - quarantined_count)') }} as repeated_share,
            case
                when unreadable_count * value_count >= null_count * rows_count then {{ dbt_forensics.share_of('unreadable_count', 'rows_count') }}
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
            lag(volume, {{ weeks }}) over (partition by stream, is_repetition, arrived_at_hour, arrived_on_weekday order by last_arrived_at, batch_id) as volume_before_{{ weeks }},
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
            {{ dbt_forensics.share_of('abs(volume - usual_volume)', '(' ~ dbt_forensics.least_of('volume', 'usual_volume') ~ ')') }} as distance_share
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

    ),

    compared_batches as (

        {#- Of batches that are compared in the same way, where there are ten: without a weekday of its own each weekend is far away. #}
        select
            *,
            case
                when alike_count >= 10
                    then
                        max(case when alike_rank * 5 >= alike_count * 4 and alike_rank * 5 < alike_count * 4 + 5 then distance_share end)
                            over (partition by stream, is_repetition, arrived_at_hour, is_by_weekday)
                else
                    max(case when distance_rank * 5 >= distance_count * 4 and distance_rank * 5 < distance_count * 4 + 5 then distance_share end)
                        over (partition by stream, is_repetition, arrived_at_hour)
            end as usual_distance_share,
            max(case when repeated_rank * 2 in (batch_count, batch_count + 1) then repeated_share end) over (partition by stream) as usual_repeated_share,
            max(case when wrong_rank * 2 in (batch_count, batch_count + 1) then wrong_share end) over (partition by stream) as usual_wrong_share,
            max(case when size_rank * 2 in (batch_count, batch_count + 1) then rows_count end) over (partition by stream) as usual_size,
            min(first_arrived_at) over (partition by stream) as earliest_first_arrived_at,
            max(first_arrived_at) over (partition by stream) as latest_first_arrived_at
        from ranked_distances_of_batches

    )
{% endmacro %}


{% macro _middle(value, among, partition) %}
    {#- The lower median of a value over a partition. -#}
    {%- set count = among ~ '_count' -%}
    {{ return('max(case when ' ~ among ~ '_rank * 2 in (' ~ count ~ ', ' ~ count ~ ' + 1) then ' ~ value ~ ' end) over (partition by ' ~ partition ~ ')') }}
{% endmacro %}


{% macro weekday_number(time) %}
    {#- Integer: 0 for a Monday to 6 for a Sunday. -#}
    {%- set days = 'cast(floor(' ~ dbt_forensics.elapsed_seconds(dbt_forensics.timestamp_literal('1900-01-01 00:00:00'), time) ~ ' / 86400) as ' ~ dbt.type_bigint() ~ ')' -%}
    {{ return('(' ~ days ~ ' - 7 * cast(floor(' ~ days ~ ' / 7.0) as ' ~ dbt.type_bigint() ~ '))') }}
{% endmacro %}


{% macro _found_batch(detector, where, values, streams, from='compared_batches') %}
    {%- set common = {
        'subject': 'candidates.batch_id',
        'identity_text': "''",
        'first_event_at': 'candidates.first_event_at',
        'first_arrived_at': 'candidates.first_arrived_at',
        'last_arrived_at': 'candidates.last_arrived_at',
        'touched_at': 'candidates.touched_at',
    } -%}
    {{ dbt_forensics.found(detector, from, where, dict(common, **values), streams) }}
{%- endmacro %}


{% macro repeated_batch(streams, clock) %}
    {#- 
        A batch of which nearly all rows that are not held back are of events that were known, half of them at least without anything new: the same file
        once more, or an old one. What was in conflict then is in conflict again.
    -#}
    {{ dbt_forensics._found_batch('repeated_batch', 'candidates.rows_count >= 20 and candidates.duplicate_count * 2 >= candidates.rows_count and candidates.batch_count >= 3 and candidates.repeated_share >= ' ~ dbt_forensics.knob('repeated_batch', streams) ~ ' and candidates.usual_repeated_share < 0.5', {
        'observed': 'candidates.repeated_share',
        'expected': 'candidates.usual_repeated_share',
        'evidence': dbt_forensics.evidence({'rows': '(candidates.duplicate_count + candidates.conflict_count)', 'of_rows': 'candidates.rows_count'}, {'batch_id': 'candidates.batch_id'}, 'candidates.sample_event_ids'),
        'is_over': dbt_forensics.is_past(streams, clock),
    }, streams) }}
{%- endmacro %}


{% macro partial_batch(streams) %}
    {#-
        A batch with far less rows than those that arrive at its hour of the day: below the knob's share of what is usual, five times as far from it as four
        in five batches of its hour are at most (more than six standard deviations), and 3.5 standard deviations of a count (the root of what is usual), until half of what is
        missing has come into its window. The first batch and the last one may not be complete; a batch that is alone on its day is judged as a window; and where
        one load in five is half or double (several files of unlike size in one stream), no size is usual.
    -#}
    {{ dbt_forensics._found_batch('partial_batch', 'candidates.any_day_count >= 7 and candidates.usual_volume >= 50 and candidates.volume < candidates.usual_volume * (1 - ' ~ dbt_forensics.knob('partial_batch', streams) ~ ') and candidates.usual_distance_share < 1 and candidates.is_repetition = 0 and candidates.distance_share > candidates.usual_distance_share * 5 and (candidates.usual_volume - candidates.volume) * (candidates.usual_volume - candidates.volume) > candidates.usual_volume * 12 and candidates.first_arrived_at > candidates.earliest_first_arrived_at and candidates.last_arrived_at < candidates.latest_first_arrived_at and candidates.wrong_share < 0.5', {
        'observed': 'candidates.volume',
        'expected': 'candidates.usual_volume',
        'evidence': dbt_forensics.evidence({'rows': 'candidates.volume', 'usual_rows': 'candidates.usual_volume'}, {'batch_id': 'candidates.batch_id'}),
        'touched_at': dbt_forensics.greatest_of('candidates.touched_at', 'candidates.next_recorded_at'),
        'is_over': 'coalesce(candidates.window_count >= candidates.window_expected - (candidates.usual_volume - candidates.volume) * 0.5, 1 = 0)',
    }, streams, "(
            select
                compared_batches.*,
                windows.event_count as window_count,
                windows.expected_count as window_expected
            from compared_batches
            left join windows
                on compared_batches.stream = windows.stream and compared_batches.last_window = windows.window_start
        )") }}
{%- endmacro %}


{% macro wrong_shape_load(streams, clock) %}
    {#- A batch of which nearly no row could be read, or nearly all values are missing: an error page, or another file's columns, landed as data. -#}
    {{ dbt_forensics._found_batch('wrong_shape_load', 'candidates.batch_count >= 10 and candidates.usual_size >= 20 and candidates.wrong_share >= ' ~ dbt_forensics.knob('wrong_shape_load', streams) ~ ' and candidates.usual_wrong_share < 0.5', {
        'observed': 'candidates.wrong_share',
        'expected': 'candidates.usual_wrong_share',
        'evidence': dbt_forensics.evidence({'rows': 'candidates.rows_count', 'unreadable_rows': 'candidates.unreadable_count', 'missing_values': 'candidates.null_count', 'of_values': 'candidates.value_count'}, {'batch_id': 'candidates.batch_id'}, 'candidates.sample_event_ids'),
        'is_over': dbt_forensics.is_past(streams, clock),
    }, streams) }}
{%- endmacro %}
