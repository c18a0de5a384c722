{#-
    What dbt's own view is, in a third of the statements: dbt makes another view, renames the old one out of its way, renames the new one, and drops the old
    one. Here the old one goes and the new one comes in one statement of one transaction. dbt's own view where an engine replaces one in place anyway.
-#}
{% materialization replaced_view, default %}
    {{ return(dbt_forensics._materialization('view')()) }}
{% endmaterialization %}


{% materialization replaced_view, adapter='duckdb' %}
    {{ return(dbt_forensics._replaced_view()) }}
{% endmaterialization %}


{% materialization replaced_view, adapter='postgres' %}
    {{ return(dbt_forensics._replaced_view()) }}
{% endmaterialization %}


{% macro _replaced_view() %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set view = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {%- if existing is not none and not existing.is_view -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {{ drop_view(view) }};
        {{ get_create_view_as_sql(view, sql) }}
    {%- endcall %}
    {%- do adapter.cache_dropped(view) -%}
    {%- do apply_grants(view, config.get('grants'), should_revoke=should_revoke(existing, full_refresh_mode=True)) -%}
    {%- do persist_docs(view, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [view]}) }}
{% endmacro %}
