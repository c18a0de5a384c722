-- One row per captured row and change of its presence in the relation: -1 it is gone, +1 it is back, 0 it stays gone and its event is back. Rows are only ever added.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        indexes=dbt_forensics.row_store_indexes(['row_key']),
        post_hook="{{ dbt_forensics.gather_statistics(this) }}",
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{%- do dbt_forensics.assert_whole_capture(['int_forensics__dirty_batches', 'forensics__event_history', 'forensics__schema_history', 'forensics__held_withdrawals']) %}
{%- do dbt_forensics.take_turn() %}
{%- set dirty = ref('int_forensics__dirty_batches') %}
{%- set history = ref('forensics__event_history') %}
{#- Asked through held_streams(). #}
{%- set withdrawals = ref('forensics__held_withdrawals') %}
{#- Looked at through stream_shape(): never while another thread makes it. #}
{%- set columns_seen = ref('forensics__schema_history') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{%- if not streams or not dbt_forensics.can_read(relations + [dirty, history]) %}
{{ dbt_forensics.no_rows(dbt_forensics.presence_columns()) }}
{%- else %}
{%- set held = dbt_forensics.held_streams(streams, dirty) %}
{%- set presence = dbt_forensics._existing('int_forensics__presence_changes') %}
with
{%- for name, stream in streams.items() %}
{{ dbt_forensics.presence_changes(stream, dirty, history, presence) }},
{%- if name in held %}
{{ dbt_forensics.changes_not_held(name, history) }},
{%- endif %}
{{ dbt_forensics.named_presence_changes(name, name ~ ('_not_held' if name in held else '_changed'), history, presence) }}{{ ',' if not loop.last }}
{%- endfor %}
{% for name in streams %}
select * from {{ name }}_named
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{%- endif %}
