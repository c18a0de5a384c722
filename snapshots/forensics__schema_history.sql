{% snapshot forensics__schema_history %}
-- One row per column of a stream's relation and version of it: its type, its position, and whether it is gone.
{{
    config(
        strategy='dbt_forensics.versions',
        unique_key="stream || ':' || column_name",
        updated_at='recorded_at',
        hard_deletes='ignore',
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'snapshot',
    'strategy': 'dbt_forensics.versions',
    'unique_key': "stream || ':' || column_name",
    'updated_at': 'recorded_at',
}) %}
{%- do dbt_forensics.assert_whole_capture(['int_forensics__dirty_batches', 'forensics__event_history']) %}
{%- do dbt_forensics.take_turn() %}
{%- set dirty = ref('int_forensics__dirty_batches') %}
{%- set history = ref('forensics__event_history') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{{ dbt_forensics.schema_columns(streams if dbt_forensics.can_read(relations + [dirty]) else {}, dirty) }}
{% endsnapshot %}
