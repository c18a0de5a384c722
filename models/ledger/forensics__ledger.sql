-- One row per decision about a captured row: it starts to count (+1), stops (-1), or was seen and does not count (0). Rows are only ever added.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        indexes=dbt_forensics.row_store_indexes(['event_key', 'row_key', 'recorded_at']),
        post_hook="{{ dbt_forensics.gather_statistics(this) }}",
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{%- do dbt_forensics.take_turn() %}
{%- set history = ref('forensics__event_history') %}
{%- set presence = ref('int_forensics__presence_changes') %}
{%- set seals = ref('forensics__batch_history') %}
{%- set columns_seen = ref('forensics__schema_history') %}
{%- set actions = ref('forensics__action_log') %}
{%- set action_rows = ref('int_forensics__action_rows') %}
{%- set streams = dbt_forensics.streams() %}
{%- if not streams or not dbt_forensics.can_read([history, presence, columns_seen, actions, action_rows]) %}
{{ dbt_forensics.no_rows(dbt_forensics.ledger_columns()) }}
{%- else %}
{%- do dbt_forensics.assert_captured_whole(history, presence) %}
{{ dbt_forensics.new_ledger_entries(dbt_forensics._existing('forensics__ledger'), history, presence, columns_seen, actions, action_rows) }}
{%- endif %}
