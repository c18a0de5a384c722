{% macro checks_everything() %}
    {#-
        Whether the package's own tests look at everything on record: `dbt test` and a scrub (forensics_verify: full) do; `dbt build`
        checks what its build recorded, so that its cost follows the new rows.
    -#}
    {{ return(execute and (flags.WHICH != 'build' or dbt_forensics.verify_mode() == 'full')) }}
{% endmacro %}


{% macro is_built_here(names=[]) %}
    {#-
        Whether what a test reads is all there: a `dbt build` of a part of the package (--select) runs the tests of that part, and what
        comes after it was perhaps never built. names: nodes that must be part of the build itself.
    -#}
    {%- if not execute or flags.WHICH != 'build' -%}{{ return(true) }}{%- endif -%}
    {%- if dbt_forensics._not_selected(names) -%}{{ return(false) }}{%- endif -%}
    {%- for id in model.depends_on.nodes if id in graph.nodes and id not in selected_resources and graph.nodes[id].package_name == 'dbt_forensics' -%}
        {%- if not dbt_forensics._existing(graph.nodes[id].name) -%}{{ return(false) }}{%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{% endmacro %}


{% macro recorded_in_this_build(recorded_at='recorded_at') %}
    {#- A condition: recorded at the time of the last ledger entry. -#}
    {%- set last = dbt_forensics.last_recorded_literal() if execute else none -%}
    {{ return(recorded_at ~ ' = ' ~ last if last else '1 = 1') }}
{% endmacro %}


{% macro is_worth_checking() %}
    {#- A condition on ledger entries: all that count or stop to; in `dbt build`, those of events decided between several rows. -#}
    {%- if dbt_forensics.checks_everything() -%}
        {{ return("(effect <> 0 or verdict = 'accepted' or verdict is null)") }}
    {%- endif -%}
    {{ return(
        dbt_forensics.recorded_in_this_build()
        ~ " and (entry_number > 1 or cause in ('correction', 'rewritten') or verdict in ('duplicate', 'conflict') or verdict is null)"
    ) }}
{% endmacro %}
