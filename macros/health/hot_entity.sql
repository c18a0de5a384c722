{% macro hot_entity(streams, profile) %}
    {#-
        Rows about the entity that most of them are about, of those that arrived in an hour, repetitions aside. subject: the entity. Entities with less than ten rows
        are not counted: in hours without one that has more, the share may be that of nine rows, and is taken for it.
    -#}
    {{ dbt_forensics.share_of_hour("part_rows.place = 1", rows="(
            select
                hourly.*,
                row_number() over (partition by stream, arrived_hour order by row_count desc, subject) as place
            from hourly
            where measure = 'entity'
        )", tolerated=dbt_forensics.share_of('9', 'all_rows.row_count')) }}
{%- endmacro %}
