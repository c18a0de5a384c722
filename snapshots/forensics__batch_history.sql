{% snapshot forensics__batch_history %}
-- One row per batch and version of it: how many rows it has, their digest, and its seal in the stream's chain.
{{
    config(
        strategy='dbt_forensics.versions',
        unique_key="stream || ':' || batch_id",
        updated_at='recorded_at',
        hard_deletes='ignore',
        post_hook="{{ dbt_forensics.gather_statistics(this) }}",
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'snapshot',
    'strategy': 'dbt_forensics.versions',
    'unique_key': "stream || ':' || batch_id",
    'updated_at': 'recorded_at',
}) %}
{%- do dbt_forensics.assert_whole_capture([
    'int_forensics__dirty_batches', 'forensics__event_history', 'int_forensics__presence_changes',
]) %}
{%- do dbt_forensics.take_turn() %}
{%- set dirty = ref('int_forensics__dirty_batches') %}
{%- set history = ref('forensics__event_history') %}
{%- set presence = ref('int_forensics__presence_changes') %}
{%- if not dbt_forensics.can_read([dirty, history, presence]) %}
{{ dbt_forensics.no_rows(dbt_forensics.batch_history_columns()) }}
{%- else %}
with
{{ dbt_forensics.batch_seals(dirty, history, presence) }}

select * from sealed_batches
{%- endif %}
{% endsnapshot %}
