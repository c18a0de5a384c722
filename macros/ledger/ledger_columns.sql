{% macro ledger_columns() %}
    {{ return({
        'stream': 'text', 'row_key': 'text', 'event_id': 'text', 'event_key': 'integer', 'entry_number': 'integer', 'effect': 'integer', 'verdict': 'text', 'cause': 'text',
        'timeliness': 'text', 'event_time': 'time', 'ingested_at': 'time', 'other_row_key': 'text', 'action_id': 'text',
        'recorded_at': 'time', 'effective_at': 'time',
    }) }}
{% endmacro %}


{% macro payload_columns_ever(schema_history) %}
    {#- {name: family} of all columns that any stream's relation has or had, in order: the family of types where there were several. -#}
    {%- set columns = {} -%}
    {%- for row in run_query('select distinct column_name, data_type from ' ~ schema_history ~ ' order by 1, 2').rows -%}
        {%- set family = dbt_forensics.type_family(row[1]) -%}
        {%- set others = columns.get(row[0], {'seen': []}).seen -%}
        {%- do columns.update({row[0]: {'seen': others + [family]}}) -%}
    {%- endfor -%}
    {%- set families = {} -%}
    {%- for column, types in columns.items() -%}
        {%- set several = types.seen | unique | list -%}
        {%- do families.update({column: ('number' if 'number' in several else 'time') if several | length > 1 else none}) -%}
    {%- endfor -%}
    {{ return(families) }}
{% endmacro %}
