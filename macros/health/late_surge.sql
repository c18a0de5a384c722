{% macro late_surge(streams, profile) %}
    {#- Rows that arrived after their window's deadline, of those of a window. What arrived while the whole feed was moved is a constant_offset. -#}
    select
            late_rows.stream,
            late_rows.subject,
            late_rows.window_start as bucket_start,
            sum(late_rows.row_count) as part,
            max(windows.row_count) as whole,
            0 as tolerated,
            max(late_rows.recorded_at) as touched_at
        from {{ profile }} as late_rows
        inner join windows
            on late_rows.stream = windows.stream and late_rows.window_start = windows.window_start
        left join offset_runs
            on
                late_rows.stream = offset_runs.stream
                and late_rows.arrived_hour between offset_runs.first_hour and offset_runs.last_hour
        where
            late_rows.measure in ('late', 'too_late')
            and offset_runs.stream is null
        group by late_rows.stream, late_rows.subject, late_rows.window_start
{%- endmacro %}
