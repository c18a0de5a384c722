{% macro hot_entity(streams, profile) %}
    {#-
        Rows about the entity that most of them are about, of those that arrived in an hour, repetitions aside. subject: the entity. Entities with less than ten rows
        are not counted: in hours without one that has more, the share may be that of nine rows, and is taken for it.
    -#}
    {%- set whole = '(part_rows.hour_count - part_rows.hour_duplicates)' %}
    {{ dbt_forensics.share_of_hour("part_rows.place = 1", rows="(
            select
                *,
                row_number() over (partition by stream, arrived_hour order by row_count desc, subject) as place
            from hourly
            where measure = 'entity'
        )", whole=whole, tolerated=dbt_forensics.share_of('9', whole)) }}
{%- endmacro %}
