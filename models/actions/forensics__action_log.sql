-- One row per act of a person: an action was planned, applied, verified, reverted or cancelled, an incident acknowledged, mitigated or dismissed. Written by dbt-forensics, never updated.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        indexes=dbt_forensics.row_store_indexes(['action_id']),
    )
}}
{%- do ref('int_forensics__build') %}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{{ dbt_forensics.no_rows(dbt_forensics.action_columns()) }}
