{% macro share_of(part, whole) %}
    {#- numeric(38, 9): a part of a whole, both exact and below 1e19; NULL where the whole is 0. -#}
    {%- set number = dbt_forensics.type_exact_number() -%}
    {%- set ratio = dbt_forensics.exact_ratio('cast(' ~ part ~ ' as ' ~ number ~ ')', 'cast(' ~ whole ~ ' as ' ~ number ~ ')') -%}
    {{ return('case when ' ~ whole ~ ' <> 0 and abs(' ~ part ~ ') < 10000000000000000000 then cast(' ~ ratio ~ ' as ' ~ number ~ ') end') }}
{% endmacro %}
