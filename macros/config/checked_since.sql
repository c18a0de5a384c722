{% macro checked_since(recorded_at='recorded_at') %}
    {#-
        An SQL condition over recorded_at for the package's own tests: `dbt build` checks what its build recorded; `dbt test` and a scrub
        (forensics_verify: full) check everything on record.
    -#}
    {%- if not execute or flags.WHICH != 'build' or dbt_forensics.verify_mode() == 'full' -%}{{ return('1 = 1') }}{%- endif -%}
    {%- set last = dbt_forensics.last_recorded_literal() -%}
    {{ return(recorded_at ~ ' >= ' ~ last if last else '1 = 1') }}
{% endmacro %}
