{#-
    dbt writes an ephemeral model into the one that selects from it, and to find the place it takes the whole text of that one apart, word by word: for
    the models of health this is a third of what a small build costs. So in a build those that are ephemeral name each other, and dbt
    writes all of them into the one node that is built.
-#}

{% macro _input(name) %}
    {#- What an ephemeral model selects from where that is ephemeral too: a relation. -#}
    {%- if not execute or flags.WHICH not in ['build', 'run', 'retry'] or model.resource_type != 'model' -%}{{ return(ref(name)) }}{%- endif -%}
    {{ return('__dbt__cte__' ~ graph.nodes['model.dbt_forensics.' ~ name].alias) }}
{% endmacro %}


{% macro _write_inputs(names) %}
    {#- In a node that is built: has dbt write these ephemeral models into it, in this order: each one after those that it selects from. -#}
    {%- for name in names -%}{%- do ref(name) -%}{%- endfor -%}
{% endmacro %}
