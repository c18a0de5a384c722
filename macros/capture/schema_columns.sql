{% macro schema_columns(streams, dirty) %}
    {#- A select of the columns that each stream's relation has now, and of those that it had before, marked as dropped; of streams that this build reads. -#}
    {%- set rows = [] -%}
    {%- set recorded_at = dbt_forensics.recorded_at() if streams else none -%}
    {%- for stream in streams.values() -%}
        {%- set shape = dbt_forensics.stream_shape(stream) -%}
        {%- for column, data_type in shape.columns.items() -%}
            {%- do rows.append([stream.name, column, data_type, loop.index, 'false']) -%}
        {%- endfor -%}
        {%- for column, data_type in shape.dropped.items() -%}
            {%- do rows.append([stream.name, column, data_type, 'null', 'true']) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if rows %}
    with columns_seen as (
    {% for row in rows %}
    select
        cast({{ dbt_forensics.forensics_literal(row[0]) }} as {{ dbt.type_string() }}) as stream,
        cast({{ dbt_forensics.forensics_literal(row[1]) }} as {{ dbt.type_string() }}) as column_name,
        cast({{ dbt_forensics.forensics_literal(row[2]) }} as {{ dbt.type_string() }}) as data_type,
        cast({{ row[3] }} as {{ dbt.type_bigint() }}) as column_position,
        cast({{ row[4] }} as {{ dbt.type_boolean() }}) as is_dropped,
        {{ recorded_at }} as recorded_at
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}

    )

    select * from columns_seen
    where stream not in (select stream from {{ dirty }} where difference = 'unread')
    {%- else %}
    {{ dbt_forensics.no_rows(dbt_forensics.schema_history_columns()) }}
    {%- endif %}
{% endmacro %}


{% macro schema_history_columns() %}
    {#- The columns of forensics__schema_history and their kinds. -#}
    {{ return({
        'stream': 'text', 'column_name': 'text', 'data_type': 'text', 'column_position': 'integer', 'is_dropped': 'boolean', 'recorded_at': 'time',
    }) }}
{% endmacro %}
