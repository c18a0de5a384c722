-- One row per batch that is new, differs from its seal, or is gone from its relation: what this build reads row by row.
{{ config(materialized='table', post_hook="{{ dbt_forensics.gather_statistics(this) }}") }}
{%- do ref('int_forensics__build') %}
{%- do dbt_forensics.take_turn() %}
{%- do dbt_forensics.assert_settings('table') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{%- if not streams or not dbt_forensics.can_read(relations) %}
{{ dbt_forensics.report_nothing_to_read(streams) }}
{{ dbt_forensics.no_rows(dbt_forensics.dirty_batch_columns()) }}
{%- else %}
{%- do dbt_forensics.assert_session() %}
{%- do dbt_forensics.assert_sees_all_rows(streams) %}
with
{%- for stream in streams.values() %}
{{ dbt_forensics.dirty_batches(stream) }}{{ ',' if not loop.last }}
{%- endfor %}
{% for name in streams %}
select * from {{ name }}_dirty
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{%- endif %}
