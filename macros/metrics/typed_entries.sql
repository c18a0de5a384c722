{% macro typed_entries(task, ledger, history) %}
    {#-
        CTE <stream>_entries: the ledger's entries that count or stop to, each with the columns of its row as the stream's relation
        names and types them, so that the metrics' expressions read as they would on the relation. The package's own columns
        begin with forensics_.
    -#}
    {%- set stream = task.stream -%}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set all_entries = task.metrics | rejectattr('state', 'equalto', 'known') | list | length > 0 -%}
    {%- set taken = [] %}
    {{ stream.name }}_entries as (

        select
            ledger.effect as forensics_effect,
            ledger.cause as forensics_cause,
            ledger.event_id as forensics_event_id,
            ledger.row_key as forensics_row_key,
            ledger.ingested_at as forensics_ingested_at,
            ledger.effective_at as forensics_effective_at,
            ledger.recorded_at as forensics_recorded_at,
            {{ dbt_forensics.window_start(stream.window, 'ledger.event_time') }} as forensics_window_start
            {%- for role, given in shape.roles.items() if given.column and given.column not in taken %}{% do taken.append(given.column) %},
            {{ dbt_forensics._role_as_column('history.' ~ role, role, given.data_type) }} as {{ adapter.quote(given.column) }}
            {%- endfor %}
            {%- for column, data_type in shape.known.items() if column not in taken %},
            {{ dbt_forensics.typed_value(dbt_forensics.json_value('history.payload', column), data_type) }} as {{ adapter.quote(column) }}
            {%- endfor %}
        from {{ ledger }} as ledger
        inner join {{ history }} as history
            on ledger.row_key = history.row_key and ledger.ingested_at = history.ingested_at
        where
            ledger.stream = '{{ stream.name }}'
            and ledger.effect <> 0
            {%- if task.processed_to and not all_entries %}
            and ledger.recorded_at > {{ dbt_forensics.timestamp_literal(task.processed_to) }}
            {%- endif %}

    )
{% endmacro %}


{% macro _role_as_column(value, role, data_type) %}
    {#- A role's kept value in the type that its column has in the relation. -#}
    {%- if role in ['event_time', 'ingested_at'] -%}
        {%- if dbt_forensics.is_read_exactly(data_type) -%}{{ return(value) }}{%- endif -%}
        {{ return(dbt_forensics.canonical_text(value, dbt.type_timestamp())) }}
    {%- elif role == 'sequence_number' -%}
        {{ return(value) }}
    {%- endif -%}
    {{ return(dbt_forensics.typed_value(value, data_type)) }}
{% endmacro %}
