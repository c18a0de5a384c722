-- One row per stream: from which window to which one it is expected to have windows, and what is usual of its lateness.
{#-
    From the stream's first window to the later of its latest event's and the clock's. Rows that lie more than 31 days away from all others
    and are less than a hundredth of them are strays and stretch nothing; nor does what is from the future. A stream has 100,000 windows
    at most, the latest ones.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with streams as (

    select * from {{ dbt_forensics._input('int_forensics__judged_streams') }}

),

window_counts as (

    select * from {{ dbt_forensics._input('int_forensics__window_counts') }}

),

seals as (

    select * from {{ ref('forensics__batch_history') }}

),

windows_with_rows as (

    select
        stream,
        window_start,
        rows_count - future_count as row_count,
        lag(window_start) over (partition by stream order by window_start) as previous_start
    from window_counts
    where rows_count > future_count

),

windows_in_islands as (

    select
        stream,
        window_start,
        row_count,
        sum(case when window_start <= {{ dbt_forensics.time_plus('day', 31, 'previous_start') }} then 0 else 1 end) over (
            partition by stream order by window_start rows between unbounded preceding and current row
        ) as island,
        sum(row_count) over (partition by stream) as stream_count
    from windows_with_rows

),

islands as (

    select
        stream,
        min(window_start) as first_window,
        max(window_start) as last_window
    from windows_in_islands
    group by stream, island, stream_count
    having sum(row_count) * 100 >= stream_count

),

spans as (

    select
        stream,
        min(first_window) as first_window,
        max(last_window) as last_window
    from islands
    group by stream

),

spans_to_now as (

    select
        streams.*,
        spans.first_window,
        {{ dbt_forensics.greatest_of('spans.last_window', dbt_forensics._start_of_window('streams.concluded_at')) }} as last_window
    from spans
    inner join streams
        on spans.stream = streams.stream

),

capped_spans as (

    select
        spans_to_now.stream,
        spans_to_now.window_period,
        spans_to_now.window_minutes,
        spans_to_now.expected_delay_minutes,
        spans_to_now.allowed_lateness_minutes,
        spans_to_now.concluded_at,
        {{ dbt_forensics.greatest_of(
            'spans_to_now.first_window',
            dbt_forensics._windows_after(-99999, 'spans_to_now.last_window', 'spans_to_now')
        ) }} as first_window,
        spans_to_now.last_window
    from spans_to_now

),

latest_events as (

    select
        stream,
        max(latest_event_time) as latest_event_time
    from seals
    where dbt_valid_to is null
    group by stream

),

first_arrivals as (

    select
        *,
        min(first_arrived_at) over (partition by stream) as stream_arrived_at
    from window_counts

),

late_shares as (

    {#- What began before the stream's first arrival was late for nobody. #}
    select
        stream,
        {{ dbt_forensics.share_of('sum(late_count + too_late_count)', 'sum(rows_count)') }} as usual_late_share
    from first_arrivals
    where window_start >= stream_arrived_at
    group by stream

)

select
    capped_spans.*,
    {{ dbt_forensics.elapsed_seconds('capped_spans.first_window', 'capped_spans.last_window') }} as span_seconds,
    latest_events.latest_event_time,
    coalesce(late_shares.usual_late_share, 0) as usual_late_share
from capped_spans
left join latest_events
    on capped_spans.stream = latest_events.stream
left join late_shares
    on capped_spans.stream = late_shares.stream
