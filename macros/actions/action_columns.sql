{% macro action_columns() %}
    {{ return({
        'action_id': 'text', 'act': 'text', 'kind': 'text', 'stream': 'text', 'selection': 'text', 'selection_digest': 'text', 'row_count': 'integer',
        'event_count': 'integer', 'effects': 'text', 'owner': 'text', 'reason': 'text', 'overrides': 'text', 'target': 'text',
        'tool_version': 'text', 'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro action_row_columns() %}
    {{ return({
        'action_id': 'text', 'stream': 'text', 'row_key': 'text', 'event_id': 'text', 'entity_id': 'text', 'window_start': 'time', 'ingested_at': 'time',
        'recorded_at': 'time',
    }) }}
{% endmacro %}
