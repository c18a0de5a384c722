{% macro value_out_of_range(streams, profile) %}
    {#- Rows that broke one of the stream's own rules, of those that arrived in an hour. subject: the rule. -#}
    {{ dbt_forensics.share_of_hour("part_rows.measure = 'rule' and " ~ dbt_forensics.is_rule_of_the_stream('part_rows', streams)) }}
{%- endmacro %}


{% macro is_rule_of_the_stream(relation, streams) %}
    {#- A condition: the subject of a row is a rule that its stream declares, and not one of the package's own. -#}
    {%- set conditions = ['1 = 0'] -%}
    {%- for stream in streams.values() if stream.rules -%}
        {%- do conditions.append('(' ~ relation ~ ".stream = '" ~ stream.name ~ "' and " ~ dbt_forensics.is_one_of(relation ~ '.subject', stream.rules.keys() | list) ~ ')') -%}
    {%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')') }}
{% endmacro %}
