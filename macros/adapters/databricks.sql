{#-
    Written from Databricks' documentation; compiled here and not executed (see docs/engines.md). What is not here is Spark's, in spark.sql,
    which runs on Spark itself.
-#}

{% macro databricks__canonical_text(expression, data_type) %}
    {%- if data_type.split('<')[0] in ['array', 'map', 'struct', 'variant'] -%}
        {{ return('to_json(' ~ expression ~ ')') }}
    {%- elif data_type == 'binary' -%}
        {{ return('lower(hex(' ~ expression ~ '))') }}
    {%- endif -%}
    {{ return(dbt_forensics.spark__canonical_text(expression, data_type)) }}
{% endmacro %}

{% macro databricks__typed_value(text, data_type) %}
    {%- set data_type = data_type | lower -%}
    {%- if data_type == 'variant' -%}
        {{ return('try_parse_json(' ~ text ~ ')') }}
    {%- elif data_type == 'binary' -%}
        {{ return('unhex(' ~ text ~ ')') }}
    {%- endif -%}
    {{ return(dbt_forensics.spark__typed_value(text, data_type)) }}
{% endmacro %}

{% macro databricks__reads_back(data_type) %}{{ return(dbt_forensics.default__reads_back(data_type)) }}{% endmacro %}

{% macro databricks__gather_statistics(relation) %}
    {{ return('analyze table ' ~ relation ~ ' compute statistics') }}
{% endmacro %}

{% macro databricks__exact_ratio(numerator, denominator) %}
    {%- set above = "cast(replace(cast(abs(cast(" ~ numerator ~ " as decimal(38, 9))) as string), '.', '') as decimal(38, 0))" -%}
    {%- set below = "cast(replace(cast(abs(cast(" ~ denominator ~ " as decimal(38, 9))) as string), '.', '') as decimal(38, 0))" -%}
    {%- set doubled = 'cast(' ~ above ~ ' * cast(2000000000 as decimal(10, 0)) + ' ~ below ~ ' as decimal(38, 0))' -%}
    {%- set steps = 'cast(' ~ below ~ ' + ' ~ below ~ ' as decimal(38, 0))' -%}
    {%- set quotient = 'cast((' ~ doubled ~ ' - mod(' ~ doubled ~ ', ' ~ steps ~ ')) / ' ~ steps ~ ' as decimal(38, 0))' -%}
    {{ return(
        'cast(sign(' ~ numerator ~ ') * sign(' ~ denominator ~ ') as decimal(1, 0)) * cast(' ~ quotient
        ~ ' * cast(0.000000001 as decimal(9, 9)) as decimal(38, 9))'
    ) }}
{% endmacro %}

{% macro databricks__time_trunc(period, time) %}
    {#- Here pmod(), of which spark.sql makes it, is a double for whole numbers. -#}
    {{ return(dbt.date_trunc(period, time)) }}
{% endmacro %}
