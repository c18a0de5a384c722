{% macro hot_entity(streams, profile) %}
    {#-
        Rows about the entity that most of them are about, of those that arrived in an hour, repetitions aside. subject: the entity. Entities with less than ten rows
        are not counted: in hours without one that has more, the share may be that of nine rows, and is taken for it.
    -#}
    select
            part_rows.stream,
            part_rows.subject,
            part_rows.arrived_hour as bucket_start,
            part_rows.row_count as part,
            all_rows.row_count as whole,
            {{ dbt_forensics.share_of('9', 'all_rows.row_count') }} as tolerated,
            part_rows.touched_at
        from (
            select
                hourly.*,
                row_number() over (partition by stream, arrived_hour order by row_count desc, subject) as place
            from hourly
            where measure = 'entity'
        ) as part_rows
        inner join hourly as all_rows
            on part_rows.stream = all_rows.stream and part_rows.arrived_hour = all_rows.arrived_hour and all_rows.measure = 'rows'
        where part_rows.place = 1
{%- endmacro %}
