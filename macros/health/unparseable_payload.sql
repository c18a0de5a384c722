{% macro unparseable_payload(streams, profile) %}
    {#- Rows that the package could not read (no event id, no time, no number where one must be), of those that arrived in an hour. subject: the rule. -#}
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
        where part_rows.measure = 'rule'
            and not {{ dbt_forensics.is_rule_of_the_stream('part_rows', streams) }}
{%- endmacro %}
