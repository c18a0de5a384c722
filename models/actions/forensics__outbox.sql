-- One row per emission and captured row that it delivered, numbered in the order of arrival. Written by dbt-forensics, never updated.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        indexes=dbt_forensics.row_store_indexes(['action_id', 'position'], ['row_key']),
    )
}}
{%- do ref('int_forensics__build') %}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{{ dbt_forensics.no_rows(dbt_forensics.outbox_columns()) }}
