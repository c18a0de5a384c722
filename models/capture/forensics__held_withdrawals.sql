-- One row per stream and build at which a withdrawal was held back, or changed while it was, was accepted, or ended because the rows came back. Rows are only ever added.
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
{%- do dbt_forensics.assert_whole_capture(['int_forensics__dirty_batches', 'forensics__event_history', 'forensics__schema_history']) %}
{%- do dbt_forensics.take_turn() %}
{%- set dirty = ref('int_forensics__dirty_batches') %}
{%- set history = ref('forensics__event_history') %}
{#- Looked at through stream_shape(): never while another thread makes it. #}
{%- set columns_seen = ref('forensics__schema_history') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{%- if not streams or not dbt_forensics.can_read(relations + [dirty, history]) %}
{{ dbt_forensics.no_rows(dbt_forensics.held_withdrawal_columns()) }}
{%- else %}
{{ dbt_forensics.held_withdrawals(streams, dirty, history) }}
{%- endif %}
