-- One row per window that a stream is expected to have, also where nothing came, with what is on record of it and whether it can be judged.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with {{ dbt_forensics.number_rows() }},

spans as (

    select * from {{ dbt_forensics._input('int_forensics__window_spans') }}

),

window_counts as (

    select * from {{ dbt_forensics._input('int_forensics__window_counts') }}

),

numbered_windows as (

    select
        spans.*,
        numbers.n as place,
        {{ dbt_forensics._windows_after('numbers.n', 'spans.first_window', 'spans') }} as window_start
    from spans
    inner join numbers
        on spans.span_seconds >= numbers.n * spans.window_minutes * 60

),

counted_windows as (

    select
        numbered_windows.stream,
        numbered_windows.place,
        numbered_windows.window_minutes,
        numbered_windows.concluded_at,
        numbered_windows.window_start,
        {{ dbt_forensics._windows_after(1, 'numbered_windows.window_start', 'numbered_windows') }} as window_end,
        {{ dbt_forensics._due_at(
            dbt_forensics._windows_after(1, 'numbered_windows.window_start', 'numbered_windows'), 'numbered_windows'
        ) }} as due_at,
        {{ dbt_forensics._settles_at(
            dbt_forensics._windows_after(1, 'numbered_windows.window_start', 'numbered_windows'), 'numbered_windows'
        ) }} as complete_at,
        {%- for measure in dbt_forensics.row_measures() + ['missing'] %}
        coalesce(window_counts.{{ measure }}_count, 0) as {{ measure }}_count,
        {%- endfor %}
        {#- Events, however many rows tell of each: no duplicates, conflicts and superseded rows, nor rows that gave their place to another. #}
        coalesce(
            window_counts.rows_count - window_counts.duplicate_count - window_counts.conflict_count - window_counts.superseded_count
            - window_counts.exchanged_count, 0
        ) as volume,
        window_counts.first_event_at,
        window_counts.first_arrived_at,
        window_counts.touched_at,
        numbered_windows.latest_event_time,
        numbered_windows.usual_late_share
    from numbered_windows
    left join window_counts
        on numbered_windows.stream = window_counts.stream and numbered_windows.window_start = window_counts.window_start

)

select
    *,
    complete_at <= concluded_at as is_complete,
    {#- Where most rows are late, as of a health office, a window is judged when they had their time. #}
    complete_at <= concluded_at or (usual_late_share < 0.5 and due_at <= concluded_at) as is_due,
    coalesce(complete_at <= latest_event_time, false) as is_settled
from counted_windows
