{% macro conflicting_duplicates(streams, profile) %}
    {#- Rows that say something else of an event than the one that counts, of those that arrived in an hour. -#}
    {{ dbt_forensics.share_of_hour("part_rows.measure = 'conflict'") }}
{%- endmacro %}
