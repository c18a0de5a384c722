{% macro duplicate_storm(streams, profile) %}
    {#- Rows that repeat an event without saying anything new, of those that arrived in an hour. -#}
    {{ dbt_forensics.share_of_hour("part_rows.measure = 'duplicate'") }}
{%- endmacro %}
