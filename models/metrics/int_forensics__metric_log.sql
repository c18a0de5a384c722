-- One row per version of a metric's value and cause of its change, with the additive parts of the value. Rows are only ever added.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        indexes=dbt_forensics.row_store_indexes([['stream', 'metric', 'window_start']]),
        post_hook="{{ dbt_forensics.gather_statistics(this) }}",
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{%- do dbt_forensics.take_turn() %}
{%- set ledger = ref('forensics__ledger') %}
{%- set history = ref('forensics__event_history') %}
{%- set seals = ref('forensics__batch_history') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{%- set log = dbt_forensics._existing('int_forensics__metric_log') %}
{%- set can_read = dbt_forensics.can_read(relations + [ledger, history, seals]) %}
{%- if not can_read %}
{{ dbt_forensics.no_rows(dbt_forensics.metric_log_columns()) }}
{%- else %}
{{ dbt_forensics.tried_metric_log_rows(log, ledger, history, seals) }}
{%- endif %}
