{% macro no_rows(columns) %}
    {#- A select of {column: text | integer | time | number | boolean} without rows. -#}
    {%- set types = dbt_forensics._column_types() -%}
    select
    {%- for column, type in columns.items() %}
            cast(null as {{ types[type] }}) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
        {{ dbt_forensics.from_nothing() }}where 1 = 0
{%- endmacro %}


{% macro _column_types() %}
    {#- The engine's types of the words by which the package names those of its columns. -#}
    {{ return({
        'text': dbt.type_string(), 'integer': dbt.type_bigint(), 'time': dbt.type_timestamp(),
        'number': dbt_forensics.type_exact_number(), 'boolean': dbt.type_boolean(),
    }) }}
{% endmacro %}


{% macro least_of(left, right) %}
    {#- The smaller of two values; the other one where one is NULL. -#}
    {{ return('case when ' ~ left ~ ' <= ' ~ right ~ ' or ' ~ right ~ ' is null then ' ~ left ~ ' else ' ~ right ~ ' end') }}
{% endmacro %}


{% macro greatest_of(left, right) %}
    {#- The greater of two values; the other one where one is NULL. -#}
    {{ return('case when ' ~ left ~ ' >= ' ~ right ~ ' or ' ~ right ~ ' is null then ' ~ left ~ ' else ' ~ right ~ ' end') }}
{% endmacro %}


{% macro refuse_columns(where, relation, names) %}
    {#- Stops if a relation has a column of a name that a macro adds: which of the two was meant could not be told. -#}
    {%- if execute and relation is not string -%}
        {%- for column in adapter.get_columns_in_relation(relation) if column.name | lower in names -%}
            {{ dbt_forensics._config_error(where, 'relation', relation ~ ' with a column ' ~ column.name, 'a relation without ' ~ names | join(', ') ~ ', which the macro adds') }}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
