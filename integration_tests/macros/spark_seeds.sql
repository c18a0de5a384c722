{#- dbt-spark binds the values of a seed into its SQL without escaping them, and Spark names some types otherwise. -#}

{% macro spark__create_csv_table(model, agate_table) %}
    {%- set columns = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- do columns.append(dbt_forensics.quoted(name) ~ ' ' ~ spark_type(model['config'].get('column_types', {}).get(name, 'varchar'))) -%}
    {%- endfor -%}
    {%- set sql = 'create table ' ~ this ~ ' (' ~ columns | join(', ') ~ ') ' ~ file_format_clause() -%}
    {% call statement('_') %}{{ sql }}{% endcall %}
    {{ return(sql) }}
{% endmacro %}


{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set values = [] -%}
        {%- for name in agate_table.column_names -%}
            {%- do values.append('cast(' ~ dbt_forensics.forensics_literal(row[name]) ~ ' as ' ~ spark_type(model['config'].get('column_types', {}).get(name, 'varchar')) ~ ')') -%}
        {%- endfor -%}
        {%- do rows.append('(' ~ values | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- set sql = 'insert into ' ~ this ~ ' values ' ~ rows | join(', ') -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return(sql) }}
{% endmacro %}


{% macro spark_type(name) %}
    {{ return({
        'varchar': 'string', 'integer': 'int', 'double precision': 'double', 'timestamp with time zone': 'timestamp',
    }.get(name, name)) }}
{% endmacro %}
