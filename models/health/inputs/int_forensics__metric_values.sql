-- One row per declared metric, dimensions and due window with rows: the value that it has now, as far back as it takes to judge what is new.
{#-
    New are values that were recorded since the last build that was sealed, and judged again are those of the last 28 days that a series has, by which detections stay open.
    Twelve weeks before the first of them are what is usual. What has had no value for eight weeks is not looked at any more.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set bigint = dbt.type_bigint() %}
{%- set of_series = 'over (partition by series)' %}
with versions as (

    select * from {{ ref('forensics__metric_versions') }}

),

builds as (

    select * from {{ ref('int_forensics__build') }}

),

metrics as (

    select * from {{ dbt_forensics._input('int_forensics__metrics') }}

),

windows as (

    select
        *,
        sum(late_count) over (partition by stream) * 100 > sum(row_count) over (partition by stream) as is_often_late
    from {{ dbt_forensics._input('int_forensics__judged_windows') }}

),

unsealed_builds as (

    select min(recorded_at) as first_recorded_at
    from builds

),

due_values as (

    select
        dense_rank() over (order by versions.stream, versions.metric, versions.dimensions) as series,
        versions.stream,
        versions.metric,
        versions.dimensions,
        versions.window_start,
        versions.window_end,
        versions.value,
        versions.input_count,
        windows.window_period,
        metrics.agg in ('sum', 'count', 'count_distinct') as is_additive,
        versions.recorded_from >= unsealed_builds.first_recorded_at as is_new,
        {{ dbt_forensics.greatest_of('versions.recorded_from', 'coalesce(windows.touched_at, versions.recorded_from)') }} as touched_at,
        {#- What too few or too many rows explain is a volume_anomaly; holidays and month ends are as they are; and as long as late rows may come, too little is no finding. #}
        case
            when windows.is_special_day or (not windows.is_complete and windows.is_often_late) then true
            when metrics.agg in ('sum', 'count', 'count_distinct') then coalesce(windows.event_count < windows.expected_low, false)
            else false
        end as is_low_for_a_reason,
        windows.is_special_day
        or (
            metrics.agg in ('sum', 'count', 'count_distinct')
            and coalesce(windows.event_count - windows.lost_count > windows.expected_high, false)
        ) as is_high_for_a_reason,
        {#- A day of a stream with another zone begins at another hour, and its middle is on the same date. #}
        {{ dbt_forensics.elapsed_seconds(dbt_forensics.timestamp_literal('1900-01-01 00:00:00'), 'versions.window_start') }} as seconds
    from versions
    inner join windows
        on versions.stream = windows.stream and versions.window_start = windows.window_start
    inner join metrics
        on versions.stream = metrics.stream and versions.metric = metrics.metric
    cross join unsealed_builds
    where
        versions.is_current
        and versions.value is not null
        and versions.input_count > 0
        and versions.unknown_count = 0
        and windows.is_due

),

placed_values as (

    select
        *,
        cast(floor((seconds + case when window_period = 'day' then 43200 else 0 end) / 86400) as {{ bigint }}) as day_number,
        cast(floor(seconds / 3600) as {{ bigint }}) as hour_number
    from due_values

),

counted_values as (

    select
        *,
        case when window_period = 'hour' then hour_number - day_number * 24 else 0 end as slot,
        max(day_number) over (partition by stream) as last_day_of_stream,
        min(day_number) {{ of_series }} as first_day,
        max(day_number) {{ of_series }} as last_day,
        min(case when is_new then day_number end) {{ of_series }} as first_new_day,
        max(input_count) {{ of_series }} as highest_count,
        sum(input_count) {{ of_series }} as all_count,
        count(*) {{ of_series }} as window_count,
        row_number() over (partition by series order by seconds) as place
    from placed_values

),

judged_values as (

    select
        *,
        {{ dbt_forensics.least_of('last_day - 27', 'coalesce(first_new_day, last_day)') }} as first_judged_day,
        is_new or day_number > last_day - 28 as is_judged,
        {#-
            What comes as people like has a rhythm of the week, which two weeks tell, and as many values: one stray event of long ago is no two weeks. What is measured at
            regular times has as many rows in each window.
        #}
        (day_number < first_day + 14 or place <= 14) and highest_count * window_count * 10 > all_count * 11 as is_too_young,
        {#- Of what does not come regularly few rows say little, and a sum or a count moves with how many came, which has a detector of its own. #}
        (
            highest_count * window_count * 2 > all_count * 3
            and {{ dbt_forensics.greatest_of('input_count * window_count', 'all_count') }} < window_count * 20
        )
        or (is_additive and highest_count * window_count * 10 > all_count * 11) as is_irregular,
        highest_count * window_count * 2 > all_count * 3
        and {{ dbt_forensics.greatest_of('input_count * window_count', 'all_count') }}
        < window_count * case when is_additive then 4 else 2 end as has_too_few_rows
    from counted_values

)

select
    series,
    stream,
    metric,
    dimensions,
    metric || case when dimensions = '{}' then '' else ' ' || dimensions end as subject,
    window_period,
    window_start,
    window_end,
    day_number,
    slot,
    value,
    input_count,
    is_irregular,
    has_too_few_rows,
    is_too_young,
    is_low_for_a_reason,
    is_high_for_a_reason,
    is_judged,
    first_judged_day,
    last_day,
    touched_at
from judged_values
where
    day_number >= first_judged_day - 84
    and (last_day >= last_day_of_stream - 56 or first_new_day is not null)
