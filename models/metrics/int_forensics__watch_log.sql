-- One row per version of a watched value and cause of its change, in the form of int_forensics__metric_log. Rows are only ever added.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        indexes=dbt_forensics.row_store_indexes([['stream', 'metric', 'window_start']]),
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{%- do dbt_forensics.take_turn() %}
{%- set log = ref('int_forensics__metric_log') %}
{%- set seals = ref('forensics__batch_history') %}
{%- set watches = dbt_forensics.watches() %}
{%- set relations = dbt_forensics.watched_relations(watches) %}
{%- if not watches or not dbt_forensics.can_read(relations + [log, seals]) %}
{{ dbt_forensics.no_rows(dbt_forensics.metric_log_columns()) }}
{%- else %}
with
{%- for watch in watches.values() %}
{{ dbt_forensics.watched_changes(watch, log, dbt_forensics._existing('int_forensics__watch_log'), seals) }}{{ ',' if not loop.last }}
{%- endfor %}
{% for name in watches %}
select * from {{ name }}_changes
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{%- endif %}
