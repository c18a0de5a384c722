{% macro action_columns() %}
    {#- The columns of forensics__action_log and their kinds. -#}
    {{ return({
        'action_id': 'text', 'act': 'text', 'kind': 'text', 'stream': 'text', 'selection': 'text', 'selection_digest': 'text', 'row_count': 'integer',
        'event_count': 'integer', 'effects': 'text', 'jsonl_folder': 'text', 'owner': 'text', 'reason': 'text', 'overrides': 'text', 'target': 'text',
        'tool_version': 'text', 'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro action_row_columns() %}
    {#- The columns of int_forensics__action_rows and their kinds. -#}
    {{ return({
        'action_id': 'text', 'stream': 'text', 'row_key': 'text', 'event_id': 'text', 'entity_id': 'text', 'window_start': 'time', 'ingested_at': 'time',
        'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro outbox_columns() %}
    {#- The columns of forensics__outbox and their kinds. -#}
    {{ return({
        'action_id': 'text', 'position': 'integer', 'stream': 'text', 'row_key': 'text', 'event_id': 'text', 'entity_id': 'text', 'event_type': 'text',
        'event_time': 'time', 'ingested_at': 'time', 'batch_id': 'text', 'sequence_number': 'number', 'schema_version': 'text', 'tenant': 'text',
        'verdict': 'text', 'payload': 'text', 'recorded_at': 'time',
    }) }}
{% endmacro %}
