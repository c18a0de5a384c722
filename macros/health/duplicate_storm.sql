{% macro duplicate_storm(streams, profile) %}
    {#- Rows that repeat an event without saying anything new, of those that arrived in an hour. -#}
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
        where part_rows.measure = 'duplicate'
{%- endmacro %}
