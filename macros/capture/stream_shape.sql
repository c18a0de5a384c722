{% macro stream_shape(stream) %}
    {#-
        What a stream's relation looks like now, as the capture needs it:
        columns: {name: data type}; roles: {role: {sql, data_type, column, is_dropped}}; payload: names of the content columns that are
        kept; known: {name: data type} of these columns and of the ones that were there before.
    -#}
    {%- set where = "stream '" ~ stream.name ~ "'" -%}
    {%- set relation = dbt_forensics.stream_relation(stream) -%}
    {%- set columns = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do columns.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {%- if not columns -%}
        {{ dbt_forensics._config_error(where, 'relation', stream.relation ~ ' (' ~ relation ~ '), which does not exist or has no columns', 'a relation that exists when the build starts') }}
    {%- endif -%}
    {%- for column in columns if (column | lower).startswith('forensics_') -%}
        {{ dbt_forensics._config_error(where, 'relation', relation ~ ' with a column ' ~ column, "columns that do not begin with forensics_, as the package's own do") }}
    {%- endfor -%}
    {%- set dropped = dbt_forensics._dropped_columns(stream.name, columns) -%}

    {%- set roles = {} -%}
    {%- for role in dbt_forensics.stream_roles() if role in stream -%}
        {%- do roles.update({role: dbt_forensics._role(stream, role, columns, dropped)}) -%}
    {%- endfor -%}

    {%- set mapped = roles.values() | map(attribute='column') | select('string') | list -%}
    {%- set payload = [] -%}
    {%- for name in stream.get('payload', columns.keys() | reject('in', mapped) | list) -%}
        {%- set column = dbt_forensics._column_named(name, columns) -%}
        {%- if column -%}
            {%- do payload.append(column) -%}
        {%- elif name not in dropped -%}
            {{ dbt_forensics._config_error(where, 'payload', name ~ ', which ' ~ relation ~ ' does not have', 'its columns: ' ~ columns.keys() | join(', ')) }}
        {%- endif -%}
    {%- endfor -%}

    {%- set known = dropped.copy() -%}
    {%- do known.update(columns) -%}
    {{ return({'relation': relation, 'columns': columns, 'roles': roles, 'payload': payload, 'known': known}) }}
{% endmacro %}


{% macro _role(stream, role, columns, dropped) %}
    {#- A role is filled by a column (quoted) or by an expression of the project's owner (trusted, as their models are). -#}
    {%- set given = stream[role] | trim -%}
    {%- set column = dbt_forensics._column_named(given, columns) or dbt_forensics._column_named(given[1:-1], columns) -%}
    {%- set column = none if column and given not in [column, dbt_forensics.quoted(column)] and column | lower != given | lower else column -%}
    {%- if column -%}
        {{ return({'sql': dbt_forensics.quoted(column), 'data_type': columns[column], 'column': column, 'is_dropped': false}) }}
    {%- elif not modules.re.match('^[A-Za-z_][A-Za-z0-9_]*$', given) -%}
        {{ return({'sql': '(' ~ given ~ ')', 'data_type': none, 'column': none, 'is_dropped': false}) }}
    {%- elif given in dropped and role not in ['event_id', 'event_time', 'ingested_at'] -%}
        {%- do log("dbt_forensics: stream '" ~ stream.name ~ "': column " ~ given ~ ' (' ~ role ~ ') is gone from the relation; recorded as NULL from now on.', info=true) -%}
        {{ return({'sql': 'cast(null as ' ~ dbt.type_string() ~ ')', 'data_type': none, 'column': none, 'is_dropped': true}) }}
    {%- endif -%}
    {{ dbt_forensics._config_error("stream '" ~ stream.name ~ "'", role, given ~ ', which ' ~ stream.relation ~ ' does not have', 'an expression, or one of its columns: ' ~ columns.keys() | join(', ')) }}
{% endmacro %}


{% macro _column_named(name, columns) %}
    {%- if name in columns -%}{{ return(name) }}{%- endif -%}
    {%- set alike = columns.keys() | select('equalto', name) | list or columns.keys() | map('lower') | select('equalto', name | lower) | list -%}
    {%- for column in columns if alike | length == 1 and column | lower == name | lower -%}
        {{ return(column) }}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}


{% macro _dropped_columns(stream_name, columns) %}
    {#- {name: last data type} of the columns that the relation had at an earlier build and has no more. -#}
    {%- set dropped = {} -%}
    {%- set history = dbt_forensics._existing('forensics__schema_history') -%}
    {%- if history -%}
        {%- set seen = run_query('select column_name, data_type from ' ~ history ~ ' where dbt_valid_to is null and stream = ' ~ dbt_forensics.forensics_literal(stream_name) ~ ' order by column_position') -%}
        {%- for row in seen.rows if row[0] not in columns -%}
            {%- do dropped.update({row[0]: row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(dropped) }}
{% endmacro %}
