{% macro hot_entity(streams, profile) %}
    {#-
        Rows about the entity that most of them are about, of those that arrived in an hour, repetitions aside. subject: the entity. Entities with less than ten rows
        are not counted: in hours without one that has more, the share may be that of nine rows, and is taken for it.
    -#}
    {%- set whole = '(all_rows.row_count - part_rows.duplicate_count)' %}
    {{ dbt_forensics.share_of_hour("part_rows.place = 1", rows="(
            select
                entities.*,
                coalesce(duplicates.row_count, 0) as duplicate_count,
                row_number() over (partition by entities.stream, entities.arrived_hour order by entities.row_count desc, entities.subject) as place
            from hourly as entities
            left join hourly as duplicates
                on
                    entities.stream = duplicates.stream
                    and entities.arrived_hour = duplicates.arrived_hour
                    and duplicates.measure = 'duplicate'
            where entities.measure = 'entity'
        )", whole=whole, tolerated=dbt_forensics.share_of('9', whole)) }}
{%- endmacro %}
