{% macro is_beyond_chance(share, usual, count) %}
    {#- Whether a share of so many rows differs from the usual one by more than five standard deviations, in exact arithmetic. -#}
    {%- set difference = 'cast(' ~ share ~ ' - ' ~ usual ~ ' as numeric(12, 6))' -%}
    {%- set chance = 'cast(' ~ usual ~ ' as numeric(12, 6))' -%}
    {{ return(difference ~ ' * ' ~ difference ~ ' * cast(' ~ count ~ ' as numeric(14, 0)) > ' ~ chance ~ ' * (1 - ' ~ chance ~ ') * 25') }}
{% endmacro %}


{% macro _middle(value, among, partition) %}
    {#- The lower median of a value over a partition. -#}
    {%- set count = among ~ '_count' -%}
    {{ return('max(case when ' ~ among ~ '_rank * 2 in (' ~ count ~ ', ' ~ count ~ ' + 1) then ' ~ value ~ ' end) over (partition by ' ~ partition ~ ')') }}
{% endmacro %}


{% macro weekday_number(time) %}
    {#- Integer: 0 for a Monday to 6 for a Sunday. -#}
    {%- set days = 'cast(floor(' ~ dbt_forensics.elapsed_seconds(dbt_forensics.timestamp_literal('1900-01-01 00:00:00'), time) ~ ' / 86400) as ' ~ dbt.type_bigint() ~ ')' -%}
    {{ return('(' ~ days ~ ' - 7 * cast(floor(' ~ days ~ ' / 7.0) as ' ~ dbt.type_bigint() ~ '))') }}
{% endmacro %}
