{% macro presence_changes(stream, dirty, history, presence) %}
    {#-
        CTEs, the last of them named <stream>_changed: captured rows of a stream's sealed batches that the relation does not have any more,
        and rows that were gone and are back. presence: int_forensics__presence_changes as it is, or none.
    -#}
    {%- set name = stream.name -%}
    {%- set arrivals = dbt_forensics.arrival_range(dirty, name, "difference not in ('new', 'unread')") -%}
    {%- set shape = dbt_forensics.stream_shape(stream) if arrivals else none -%}
    {%- set is_reshaped = arrivals and dbt_forensics.has_other_shapes(stream, shape, history, arrivals) -%}
    {% if not arrivals %}
    {{ name }}_changed as (

        {{ dbt_forensics.no_rows(dbt_forensics.presence_columns()) }}

    )
    {%- else %}
    {{ name }}_batches as (

        select batch_id
        from {{ dirty }}
        where stream = '{{ name }}' and difference not in ('new', 'unread')

    ),

    {{ dbt_forensics.captured_rows(stream, shape, 'batch_id in (select batch_id from ' ~ name ~ '_batches)', arrivals.from_time, arrivals.to_time) }},

    {{ name }}_on_record as (

        {{ dbt_forensics._history_of_batches(history, name, name ~ '_batches', arrivals) }}

    ),

    {{ name }}_state as (

        {% if presence -%}
        select
            row_key,
            sum(presence_change) as presence_change
        from {{ presence }}
        where stream = '{{ name }}'
        group by row_key
        {%- else -%}
        {{ dbt_forensics.no_rows({'row_key': 'text', 'presence_change': 'integer'}) }}
        {%- endif %}

    ),

    {% if is_reshaped -%}
    {{ dbt_forensics.reshaped_rows(stream, shape, history, arrivals) }}
    {%- endif %}

    {{ name }}_found as (

        select row_key
        from {{ name }}_captured
        {%- if is_reshaped %}
        union all
        select row_key
        from {{ name }}_reshaped
        {%- endif %}

    ),

    {{ name }}_changed as (

        select
            on_record.stream,
            on_record.row_key,
            on_record.event_id,
            on_record.batch_id,
            on_record.event_time,
            on_record.ingested_at,
            cast(case when found.row_key is null then -1 else 1 end as {{ dbt.type_bigint() }}) as presence_change,
            {{ dbt_forensics.recorded_at() }} as recorded_at
        from {{ name }}_on_record as on_record
        left join {{ name }}_found as found
            on on_record.row_key = found.row_key
        left join {{ name }}_state as state
            on on_record.row_key = state.row_key
        where
            (found.row_key is null and coalesce(state.presence_change, 0) = 0)
            or (found.row_key is not null and coalesce(state.presence_change, 0) = -1)

    )
    {%- endif %}
{% endmacro %}


{% macro presence_columns() %}
    {#- Columns of int_forensics__presence_changes and their types. -#}
    {{ return({
        'stream': 'text', 'row_key': 'text', 'event_id': 'text', 'batch_id': 'text', 'event_time': 'time', 'ingested_at': 'time',
        'presence_change': 'integer', 'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro _history_of_batches(history, stream_name, batches, arrivals) %}
    {#- A select of the captured rows of some batches; the bounds of their arrival let the engine skip the rest of the history. -#}
    select stream, row_key, event_id, batch_id, event_time, ingested_at
        from {{ history }}
        where
            stream = '{{ stream_name }}'
            and ingested_at between {{ arrivals.from_time }} and {{ arrivals.to_time }}
            and batch_id in (select batch_id from {{ batches }})
        union all
        select stream, row_key, event_id, batch_id, event_time, ingested_at
        from {{ history }}
        where
            stream = '{{ stream_name }}'
            and ingested_at is null
            and batch_id in (select batch_id from {{ batches }})
{%- endmacro %}
