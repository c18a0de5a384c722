{#-
    What dbt's incremental model with the strategy `append` is, in a third of the statements: dbt writes new rows into a table of its own first and looks at the
    columns of both. Here they go into the log itself, by the names that the model's page gives; a log that lacks one of these stops the build.
    dbt's own where an engine has its own way, or where columns are to be added.
-#}
{% materialization append_only, default %}
    {{ return(dbt_forensics._materialization('incremental')()) }}
{% endmaterialization %}


{% materialization append_only, adapter='duckdb' %}
    {{ return(dbt_forensics._append_only()) }}
{% endmaterialization %}


{% materialization append_only, adapter='postgres' %}
    {{ return(dbt_forensics._append_only()) }}
{% endmaterialization %}


{% macro _append_only() %}
    {%- if config.get('on_schema_change') != 'fail' -%}{{ return(dbt_forensics._materialization('incremental')()) }}{%- endif -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set table = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {%- if existing is none -%}
        {{ get_create_table_as_sql(false, table, sql) }}
        {%- else -%}
        {%- if config.get('contract').enforced -%}{{ get_assert_columns_equivalent(sql) }}{%- endif -%}
        {%- set columns = model.columns.keys() | join(', ') -%}
        insert into {{ table }} ({{ columns }})
        select {{ columns }} from (
        {{ sql }}
        ) as new_rows
        {%- endif -%}
    {%- endcall %}
    {%- if existing is none -%}{%- do create_indexes(table) -%}{%- endif -%}
    {%- do apply_grants(table, config.get('grants'), should_revoke=should_revoke(existing, full_refresh_mode=False)) -%}
    {%- do persist_docs(table, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [table]}) }}
{% endmacro %}


{% macro _materialization(name) %}
    {#- dbt's own materialization of this engine. -#}
    {{ return(context.get('materialization_' ~ name ~ '_' ~ adapter.type()) or context['materialization_' ~ name ~ '_default']) }}
{% endmacro %}
