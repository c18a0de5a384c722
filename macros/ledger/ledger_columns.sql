{% macro ledger_columns() %}
    {{ return({
        'stream': 'text', 'row_key': 'text', 'event_id': 'text', 'event_key': 'integer', 'entry_number': 'integer', 'effect': 'integer', 'verdict': 'text', 'cause': 'text',
        'timeliness': 'text', 'event_time': 'time', 'ingested_at': 'time', 'other_row_key': 'text', 'action_id': 'text',
        'recorded_at': 'time', 'effective_at': 'time',
    }) }}
{% endmacro %}


{% macro payload_columns_ever(schema_history) %}
    {#- The names of all columns that any stream's relation has or had, in order. -#}
    {%- set names = [] -%}
    {%- for row in run_query('select distinct column_name from ' ~ schema_history ~ ' order by 1').rows -%}
        {%- do names.append(row[0]) -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}
