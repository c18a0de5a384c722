{% macro _existing(name) %}
    {#-
        A relation of this package as earlier builds left it, or none. It is looked up by name and not by ref(), because what
        was recorded before decides what is recorded now: a ref() would close a circle.
    -#}
    {%- if not execute -%}{{ return(none) }}{%- endif -%}
    {%- set nodes = graph.nodes.values() | selectattr('package_name', 'equalto', 'dbt_forensics') | selectattr('name', 'equalto', name) | list -%}
    {%- if not nodes -%}{{ return(none) }}{%- endif -%}
    {{ return(adapter.get_relation(database=nodes[0].database, schema=nodes[0].schema, identifier=nodes[0].alias)) }}
{% endmacro %}


{% macro _single_row(query) %}
    {#- The first row of a query's result, as a list of values. -#}
    {{ return(run_query(query).rows[0]) }}
{% endmacro %}


{% macro forensics_literal(value) %}
    {#- A value as an SQL literal: text is escaped, NULL is null. -#}
    {{ return('null' if value is none else dbt_forensics.text_literal(value | string)) }}
{% endmacro %}


{% macro can_read(relations) %}
    {#-
        Whether there is anything to read: not while parsing, and not where dbt shows a part of every relation. `dbt compile` and
        `dbt docs generate` may run before anything is built; a missing relation is an error only where a node is built.
    -#}
    {%- if not execute -%}{{ return(false) }}{%- endif -%}
    {%- if dbt_forensics.is_partial_run() -%}
        {%- if model.resource_type == 'test' -%}
            {%- do log('dbt_forensics: ' ~ model.name ~ ' compares nothing under --empty or --sample; that it passes says nothing.', info=true) -%}
        {%- endif -%}
        {{ return(false) }}
    {%- endif -%}
    {%- if dbt_forensics.is_only_shown() -%}
        {%- for relation in relations -%}
            {%- if load_relation(relation) is none -%}{{ return(false) }}{%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {%- for relation in relations -%}
            {%- do dbt_forensics._assert_whole(relation) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(true) }}
{% endmacro %}


{% macro _shows_a_part(relations) %}
    {#- Whether dbt shows a part of every relation, so that nothing may be concluded. Stops where a relation shows a part of its rows to who builds. -#}
    {%- if not execute or dbt_forensics.is_only_shown() -%}{{ return(false) }}{%- endif -%}
    {{ return(not dbt_forensics.can_read(relations)) }}
{% endmacro %}


{% macro is_only_shown() %}
    {#- Whether dbt compiles SQL to show it, and runs none of it. -#}
    {{ return(flags.WHICH in ['compile', 'generate', 'list', 'lint'] or flags.WHICH is none) }}
{% endmacro %}


{% macro _has_column(relation, column) %}
    {#- Whether a relation has a column; also where nothing can be said of its columns: while dbt parses, and of what is not there yet. -#}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {%- set names = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
    {{ return(not names or column in names) }}
{% endmacro %}
