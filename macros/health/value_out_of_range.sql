{% macro value_out_of_range(streams, profile) %}
    {#- Rows that broke one of the stream's own rules, of those that arrived in an hour. subject: the rule. -#}
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
            and {{ dbt_forensics.is_rule_of_the_stream('part_rows', streams) }}
{%- endmacro %}


{% macro is_rule_of_the_stream(relation, streams) %}
    {#- A condition: the subject of a row is a rule that its stream declares, and not one of the package's own. -#}
    {%- set conditions = ['1 = 0'] -%}
    {%- for stream in streams.values() if stream.rules -%}
        {%- do conditions.append('(' ~ relation ~ ".stream = '" ~ stream.name ~ "' and " ~ dbt_forensics.is_one_of(relation ~ '.subject', stream.rules.keys() | list) ~ ')') -%}
    {%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')') }}
{% endmacro %}
