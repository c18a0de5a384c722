{% macro clock_skew(streams, profile) %}
    {#- Rows whose event is further after their arrival than clock_skew allows, of those that arrived in an hour. Hours in which the whole feed is moved are a constant_offset. -#}
    select
            part_rows.stream,
            part_rows.subject,
            part_rows.arrived_hour as bucket_start,
            part_rows.row_count as part,
            all_rows.row_count as whole,
            0 as tolerated,
            part_rows.touched_at
        from hourly as part_rows
        inner join hourly as all_rows
            on part_rows.stream = all_rows.stream and part_rows.arrived_hour = all_rows.arrived_hour and all_rows.measure = 'rows'
        where part_rows.measure = 'future'
            and not exists (
                select 1
                from offset_runs
                where
                    part_rows.stream = offset_runs.stream
                    and part_rows.arrived_hour between offset_runs.first_hour and offset_runs.last_hour
            )
{%- endmacro %}
