{% macro unparseable_payload(streams, profile) %}
    {#- Rows that the package could not read (no event id, no time, no number where one must be), of those that arrived in an hour. subject: the rule. -#}
    {{ dbt_forensics.share_of_hour("part_rows.measure = 'rule' and not " ~ dbt_forensics.is_rule_of_the_stream('part_rows', streams)) }}
{%- endmacro %}
