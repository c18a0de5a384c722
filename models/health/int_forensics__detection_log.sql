-- One row per detection and build at which it opened (+1), became other than it was (0) or closed (-1). Rows are only ever added.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        pre_hook="{{ dbt_forensics.read_once() }}",
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{%- do dbt_forensics.take_turn() %}
{%- set relations = {
    'profile': ref('int_forensics__row_profile'),
    'presence': ref('int_forensics__presence_changes'),
    'withdrawals': ref('forensics__held_withdrawals'),
    'seals': ref('forensics__batch_history'),
    'windows': ref('forensics__windows'),
    'schema_history': ref('forensics__schema_history'),
    'versions': ref('forensics__metric_versions'),
    'changes': ref('forensics__metric_changes'),
    'log': ref('int_forensics__metric_log'),
    'watch_log': ref('int_forensics__watch_log'),
    'actions': ref('forensics__actions'),
    'action_rows': ref('int_forensics__action_rows'),
} %}
{%- set streams = dbt_forensics.streams() %}
{%- set raw_relations = dbt_forensics.stream_relations(streams) %}
{%- if not streams or not dbt_forensics.can_read(raw_relations + relations.values() | list) %}
{{ dbt_forensics.no_rows(dbt_forensics.detection_log_columns()) }}
{%- else %}
{%- set clock = dbt_forensics.concluded_at() %}
with

{{ dbt_forensics.found_detections(streams, relations, clock) }},

{{ dbt_forensics.detection_changes(dbt_forensics._existing('int_forensics__detection_log'), clock) }}

select
    {%- set types = {'text': dbt.type_string(), 'time': dbt.type_timestamp(), 'number': dbt_forensics.type_exact_number(), 'integer': dbt.type_bigint()} %}
    {%- for column, type in dbt_forensics.detection_log_columns().items() if column != 'recorded_at' %}
    cast({{ column }} as {{ types[type] }}) as {{ column }},
    {%- endfor %}
    {{ clock }} as recorded_at
from changes
{%- endif %}
