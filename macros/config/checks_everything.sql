{% macro checks_everything() %}
    {#-
        Whether the package's own tests look at everything on record: `dbt test` and a scrub (forensics_verify: full) do; `dbt build`
        checks what its build recorded, so that its cost follows the new rows.
    -#}
    {{ return(execute and (flags.WHICH != 'build' or dbt_forensics.verify_mode() == 'full')) }}
{% endmacro %}


{% macro is_built_here(names) %}
    {#-
        Whether what a test compares is all there: a `dbt build` of a part of the package (--select) runs the tests of that part, and what
        comes after it is not built, or not yet.
    -#}
    {%- if not execute or flags.WHICH != 'build' -%}{{ return(true) }}{%- endif -%}
    {%- set selected = [] -%}
    {%- for resource in selected_resources -%}{%- do selected.append(resource.split('.')[-1]) -%}{%- endfor -%}
    {{ return(names | reject('in', selected) | list | length == 0) }}
{% endmacro %}


{% macro recorded_in_this_build(recorded_at='recorded_at') %}
    {#- A condition: recorded at the time of the last ledger entry. -#}
    {%- set last = dbt_forensics.last_recorded_literal() if execute else none -%}
    {{ return(recorded_at ~ ' = ' ~ last if last else '1 = 1') }}
{% endmacro %}


{% macro is_worth_checking() %}
    {#- A condition on ledger entries: all that count or stop to; in `dbt build`, those of events decided between several rows. -#}
    {%- if dbt_forensics.checks_everything() -%}
        {{ return("(effect <> 0 or verdict = 'accepted')") }}
    {%- endif -%}
    {{ return(
        dbt_forensics.recorded_in_this_build()
        ~ " and (entry_number > 1 or cause in ('correction', 'rewritten') or verdict in ('duplicate', 'conflict'))"
    ) }}
{% endmacro %}
