{% snapshot forensics__event_history %}
-- One row per captured raw row, as it arrived. Rows are only ever added.
{{
    config(
        strategy='dbt_forensics.append_only',
        unique_key='row_key',
        updated_at='recorded_at',
        hard_deletes='ignore',
        dbt_valid_to_current=dbt_forensics.capture_instant(),
        indexes=dbt_forensics.row_store_indexes(['row_key', ['stream', 'ingested_at']], ['event_id'], ['recorded_at', 'ingested_at', 'dbt_valid_to']),
        post_hook="{{ dbt_forensics.gather_statistics(this) }}",
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'snapshot',
    'strategy': 'dbt_forensics.append_only',
    'unique_key': 'row_key',
    'updated_at': 'recorded_at',
    'dbt_valid_to_current': dbt_forensics.capture_instant(),
}) %}
{%- do dbt_forensics.assert_whole_capture(['int_forensics__dirty_batches']) %}
{%- do dbt_forensics.take_turn() %}
{%- set dirty = ref('int_forensics__dirty_batches') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{%- if not streams or not dbt_forensics.can_read(relations + [dirty]) %}
{{ dbt_forensics.no_rows(dbt_forensics.event_history_columns()) }}
{%- else %}
with
{%- for stream in streams.values() %}
{{ dbt_forensics.new_rows(stream, dirty, dbt_forensics._existing('forensics__event_history')) }}{{ ',' if not loop.last }}
{%- endfor %}
{% for name in streams %}
select * from {{ name }}_new
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{%- endif %}
{% endsnapshot %}
