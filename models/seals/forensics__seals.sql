-- One row per append-only table, stream, time at which rows of it were recorded, and build that sealed them. Rows are only ever added.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{%- do dbt_forensics.take_turn() %}
{%- set relations = dbt_forensics._sealed_relations() %}
{%- if not dbt_forensics.can_read(relations.values() | list) %}
{{ dbt_forensics.no_rows(dbt_forensics.seal_columns()) }}
{%- else %}
{{ dbt_forensics._new_seals(relations, dbt_forensics._existing('forensics__seals')) }}
{%- endif %}
