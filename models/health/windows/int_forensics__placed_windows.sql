-- One row per expected window, with its place among the windows that make what is usual, the one that it is compared at, and what is known of its day.
{#-
    A stretch of silence, or of far fewer events than before, makes nothing usual: whole weeks of it are cut out, so that what follows it is compared with what
    was before it, weekday for weekday. A window within it is compared as the one of the same weekday in its first week; before there is a
    season of the week, as the one of its first day. Where a stretch was accepted by time nothing is cut out.
-#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with {{ dbt_forensics._digit_rows() }},

windows as (

    select * from {{ dbt_forensics._input('int_forensics__expected_windows') }}

),

spans as (

    select * from {{ dbt_forensics._input('int_forensics__window_spans') }}

),

stretches as (

    select * from {{ dbt_forensics._input('int_forensics__level_stretches') }}

),

dismissed_spans as (

    select * from {{ dbt_forensics._input('int_forensics__dismissed_spans') }}

),

named_days as (

    select * from {{ dbt_forensics._input('int_forensics__named_days') }}

),

dismissed_stretches as (

    select distinct
        stretches.stream,
        stretches.side,
        stretches.stretch_start,
        stretches.stretch_end
    from stretches
    inner join dismissed_spans
        on
            stretches.stream = dismissed_spans.stream
            and stretches.stretch_start < dismissed_spans.span_end
            and stretches.stretch_end > dismissed_spans.span_start

),

low_stretches as (

    select
        stretches.*,
        case when spans.window_minutes = 60 then 24 else 1 end as windows_a_day,
        cast(
            floor({{ dbt_forensics.elapsed_seconds('spans.first_window', 'stretches.stretch_start') }} / 60) as {{ dbt.type_bigint() }}
        ) / spans.window_minutes as first_place,
        dismissed_stretches.stretch_start is not null as is_dismissed,
        case when stretches.is_accepted then 0 else cast(floor(stretches.day_count / 7.0) as {{ dbt.type_bigint() }}) end as cut_weeks
    from stretches
    inner join spans
        on stretches.stream = spans.stream
    left join dismissed_stretches
        on
            stretches.stream = dismissed_stretches.stream
            and stretches.side = dismissed_stretches.side
            and stretches.stretch_start = dismissed_stretches.stretch_start
    where stretches.side = 'low'

),

cut_stretches as (

    select
        *,
        lead(stretch_start) over (partition by stream order by stretch_start) as next_start,
        cut_weeks * 7 * windows_a_day as cut_windows,
        coalesce(sum(cut_weeks * 7 * windows_a_day) over (
            partition by stream order by stretch_start rows between unbounded preceding and 1 preceding
        ), 0) as cut_before
    from low_stretches

),

segments as (

    select
        stream,
        stretch_start as segment_start,
        stretch_end as segment_end,
        cut_before,
        cast(floor(first_place) as {{ dbt.type_bigint() }}) as first_place,
        windows_a_day * case when first_place - cut_before < 28 * windows_a_day then 1 else 7 end as repeats_after,
        not is_accepted as is_stopped,
        day_count < 7 as is_short,
        case when is_dismissed then stretch_start end as dismissed_from
    from cut_stretches
    union all
    select
        stream,
        stretch_end as segment_start,
        next_start as segment_end,
        cut_before + cut_windows as cut_before,
        cast(null as {{ dbt.type_bigint() }}) as first_place,
        cast(null as {{ dbt.type_bigint() }}) as repeats_after,
        false as is_stopped,
        true as is_short,
        cast(null as {{ dbt.type_timestamp() }}) as dismissed_from
    from cut_stretches

),

windows_in_segments as (

    select
        windows.*,
        case when windows.window_minutes = 60 then 24 else 1 end as windows_a_day,
        windows.place - coalesce(segments.cut_before, 0) as usual_place,
        segments.first_place - segments.cut_before as first_usual_place,
        windows.place - segments.first_place as places_after,
        segments.repeats_after,
        coalesce(segments.is_stopped, false) as is_stopped,
        coalesce(segments.is_short, true) as is_short,
        segments.dismissed_from as low_dismissed_from
    from windows
    left join segments
        on
            windows.stream = segments.stream
            and windows.window_start >= segments.segment_start
            and (segments.segment_end is null or windows.window_start < segments.segment_end)

),

rests as (

    {#- Before there is a season of the week: the same window one to three weeks later, if this one is empty and part of no silence of a week. #}
    select distinct
        windows_in_segments.stream,
        windows_in_segments.usual_place + digits.digit * 7 * windows_in_segments.windows_a_day as usual_place
    from windows_in_segments
    cross join digits
    where
        digits.digit between 1 and 3
        and windows_in_segments.is_due
        and windows_in_segments.is_short
        and windows_in_segments.volume = 0
        and windows_in_segments.usual_place < 28 * windows_in_segments.windows_a_day

),

dismissed_windows as (

    select distinct
        windows.stream,
        windows.place
    from windows
    inner join dismissed_spans
        on
            windows.stream = dismissed_spans.stream
            and windows.window_start >= dismissed_spans.span_start
            and windows.window_start < dismissed_spans.span_end

),

names as (

    select
        spans.stream,
        named_days.day_start,
        min(named_days.name) as name
    from spans
    inner join named_days
        on named_days.stream is null or spans.stream = named_days.stream
    group by spans.stream, named_days.day_start

)

select
    windows_in_segments.stream,
    {%- for column in [
        'place', 'window_minutes', 'window_start', 'window_end', 'volume', 'is_due', 'is_complete', 'is_settled', 'usual_late_share',
        'first_event_at', 'first_arrived_at', 'touched_at', 'windows_a_day', 'usual_place', 'is_stopped', 'low_dismissed_from',
    ] %}
    windows_in_segments.{{ column }},
    {%- endfor %}
    {%- for measure in dbt_forensics.row_measures() + ['missing'] %}
    windows_in_segments.{{ measure }}_count,
    {%- endfor %}
    coalesce(
        windows_in_segments.first_usual_place + windows_in_segments.places_after
        - windows_in_segments.repeats_after * cast(
            floor(cast(windows_in_segments.places_after as numeric(18, 6)) / windows_in_segments.repeats_after) as {{ dbt.type_bigint() }}
        ),
        windows_in_segments.usual_place
    ) as compared_place,
    windows_in_segments.is_due and not windows_in_segments.is_stopped and names.name is null as makes_usual,
    rests.usual_place is not null as rested_before,
    dismissed_windows.place is not null as is_dismissed,
    dismissed_stretches.stretch_start as high_dismissed_from,
    case
        when names.name is not null then 'calendar ' || names.name
        when extract(day from windows_in_segments.window_start) = 1 then 'first of month'
        when extract(day from {{ dbt_forensics.time_plus('day', 1, 'windows_in_segments.window_start') }}) = 1 then 'last of month'
    end as kind_of_day
from windows_in_segments
left join rests
    on windows_in_segments.stream = rests.stream and windows_in_segments.usual_place = rests.usual_place
left join dismissed_windows
    on windows_in_segments.stream = dismissed_windows.stream and windows_in_segments.place = dismissed_windows.place
left join names
    on
        windows_in_segments.stream = names.stream
        and {{ dbt_forensics.window_start('day', 'windows_in_segments.window_start') }} = names.day_start
left join dismissed_stretches
    on
        windows_in_segments.stream = dismissed_stretches.stream
        and dismissed_stretches.side = 'high'
        and windows_in_segments.window_start >= dismissed_stretches.stretch_start
        and windows_in_segments.window_start < dismissed_stretches.stretch_end
