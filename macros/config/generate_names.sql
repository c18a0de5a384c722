{#-
    dbt asks a package's own macro for the names of that package's nodes. These ask the project's, and take the target's own where it names none:
    a macro that prints what it was given prints `None` where that was nothing.
-#}

{% macro generate_schema_name(custom_schema_name=none, node=none) %}
    {#- The schema of a node of the package, as the project's own macro says; the target's where that says none. -#}
    {{ return(dbt_forensics._name_or('generate_schema_name', custom_schema_name, node, target.schema)) }}
{% endmacro %}


{% macro generate_database_name(custom_database_name=none, node=none) %}
    {#- The database of a node of the package, as the project's own macro says; the target's where that says none. -#}
    {{ return(dbt_forensics._name_or('generate_database_name', custom_database_name, node, target.get('database'))) }}
{% endmacro %}


{% macro generate_alias_name(custom_alias_name=none, node=none) %}
    {#- The name of a node's relation, as the project's own macro says; the node's where that says none. -#}
    {{ return(dbt_forensics._name_or('generate_alias_name', custom_alias_name, node, node.name)) }}
{% endmacro %}


{% macro _name_or(macro_name, given, node, usual) %}
    {%- set own = context.get(project_name, {}).get(macro_name) if project_name != 'dbt_forensics' else none -%}
    {%- set name = (own or context['dbt'][macro_name])(given, node) | string | trim -%}
    {{ return(usual if name | lower in ['', 'none'] else name) }}
{% endmacro %}
