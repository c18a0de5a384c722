-- One row per stretch of windows of a stream in which dimensions have no value that had one in nearly each window before.
{#-
    In the threshold's share of the windows since they were first seen, at least twenty, and in windows of five rows on average. At least two windows, in hours six, and three times the longest
    stretch before. What has not come back in eight weeks is over as well.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with metric_values as (

    select * from {{ dbt_forensics._input('int_forensics__metric_values') }}

),

windows as (

    select
        *,
        row_number() over (partition by stream order by window_start) as place,
        count(*) over (partition by stream) as last_place
    from {{ dbt_forensics._input('int_forensics__judged_windows') }}
    where is_due and row_count > 0

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'dimension_vanished' and is_enabled

),

seen_windows as (

    select
        stream,
        dimensions,
        window_start,
        max(input_count) as row_count,
        max(case when is_judged then 1 else 0 end) as is_judged
    from metric_values
    where dimensions <> '{}'
    group by stream, dimensions, window_start

),

placed_windows as (

    {%- set of = 'over (partition by seen_windows.stream, seen_windows.dimensions order by windows.place' %}
    select
        seen_windows.stream,
        seen_windows.dimensions,
        seen_windows.is_judged,
        windows.window_period,
        windows.place,
        windows.touched_at,
        row_number() {{ of }}) as seen_count,
        min(windows.place) over (partition by seen_windows.stream, seen_windows.dimensions) as first_place,
        sum(seen_windows.row_count) {{ of }} rows between unbounded preceding and current row) as rows_so_far,
        coalesce(lead(windows.place) {{ of }}), windows.last_place + 1) - windows.place - 1 as absent_count,
        lead(windows.place) {{ of }}) is not null as is_back
    from seen_windows
    inner join windows
        on seen_windows.stream = windows.stream and seen_windows.window_start = windows.window_start

),

compared_windows as (

    select
        *,
        max(absent_count) over (
            partition by stream, dimensions order by place rows between unbounded preceding and 1 preceding
        ) as longest_before
    from placed_windows

)

select
    compared_windows.stream,
    'dimension_vanished' as detector,
    compared_windows.dimensions as subject,
    {{ dbt_forensics.canonical_text('first_absent.window_start', dbt.type_timestamp()) }} as identity_text,
    first_absent.window_start,
    last_absent.window_end,
    settings.severity,
    cast(compared_windows.absent_count as {{ number }}) as observed,
    cast(compared_windows.longest_before as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'windows': 'compared_windows.absent_count',
        'windows_before': 'compared_windows.seen_count',
        'longest_before': 'compared_windows.longest_before',
    }, {}) }} as evidence,
    first_absent.window_start as first_event_at,
    cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    compared_windows.is_back as is_over,
    {{ dbt_forensics.greatest_of('last_absent.touched_at', 'compared_windows.touched_at') }} as touched_at
from compared_windows
inner join settings
    on compared_windows.stream = settings.stream
inner join windows as first_absent
    on compared_windows.stream = first_absent.stream and first_absent.place = compared_windows.place + 1
inner join windows as last_absent
    on compared_windows.stream = last_absent.stream and last_absent.place = compared_windows.place + compared_windows.absent_count
where
    compared_windows.is_judged = 1
    and compared_windows.absent_count >= case when compared_windows.window_period = 'hour' then 6 else 2 end
    and compared_windows.absent_count >= compared_windows.longest_before * 3
    and compared_windows.seen_count >= 20
    and compared_windows.rows_so_far >= compared_windows.seen_count * 5
    and compared_windows.seen_count
    >= (compared_windows.place - compared_windows.first_place + 1) * cast(settings.threshold as numeric(9, 3))
