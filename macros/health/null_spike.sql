{% macro null_spike(streams, profile) %}
    {#- Rows without a value in a column, of those that arrived in an hour. subject: the column. -#}
    {{ dbt_forensics.share_of_hour("part_rows.measure = 'null'") }}
{%- endmacro %}
