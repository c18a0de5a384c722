{% macro _given_rows(columns, rows) %}
    {#-
        A select of rows that are known when dbt compiles. columns: {column: text | integer | time | number | boolean}. rows: a list of {column: value}; what
        a row leaves out is NULL.
    -#}
    {%- set types = dbt_forensics._column_types() -%}
    {%- for row in rows %}
    select
        {%- for column, type in columns.items() %}
        cast({{ dbt_forensics._given_value(row.get(column)) }} as {{ types[type] }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    {{- '\n    union all' if not loop.last }}
    {%- else %}
    {{ dbt_forensics.no_rows(columns) }}
    {%- endfor %}
{%- endmacro %}


{% macro _given_value(value) %}
    {%- if value is boolean -%}{{ return('true' if value else 'false') }}{%- endif -%}
    {{ return(value | string if value is number else dbt_forensics.forensics_literal(value)) }}
{% endmacro %}
