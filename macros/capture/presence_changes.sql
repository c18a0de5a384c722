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
    {%- set columns = dbt_forensics.presence_columns() -%}
    {%- do columns.pop('change_kind') -%}
    {{ name }}_changed as (

        {{ dbt_forensics.no_rows(columns) }}

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


{% macro named_presence_changes(name, changed, history, presence) %}
    {#-
        CTEs, the last of them named <name>_named: the changes of a stream's presence with what they are (change_kind), and beside them, with a presence_change of 0,
        the rows that stay gone while another row of their event came. changed: the CTE of the changes. presence: int_forensics__presence_changes as it is, or none.
    -#}
    {%- set columns = dbt_forensics.presence_columns().keys() | reject('in', ['presence_change', 'recorded_at', 'change_kind']) | list -%}
    {{ name }}_arrived as (

        select distinct event_id, batch_id
        from {{ history }} as history
        where stream = '{{ name }}' and event_id is not null and {{ dbt_forensics.is_unsealed('history') }}

    ),

    {{ name }}_arrived_events as (

        {#- Of new rows, and of rows that are back. #}
        select
            event_id,
            max(is_back) as is_back
        from (
            select event_id, 0 as is_back
            from {{ name }}_arrived
            union all
            select event_id, 1 as is_back
            from {{ changed }}
            where event_id is not null and presence_change = 1
        ) as arrivals
        group by event_id

    ),

    {{ name }}_still_gone as (

        {% if presence -%}
        select {{ columns | join(', ') }}
        from {{ presence }}
        where stream = '{{ name }}'
        group by {{ columns | join(', ') }}
        having
            sum(presence_change) < 0
            and max(case when change_kind = 'gone' then recorded_at end)
            > coalesce(max(case when change_kind <> 'gone' then recorded_at end), {{ dbt_forensics.earliest_time() }})
        {%- else -%}
        {{ dbt_forensics.no_rows(dbt_forensics.presence_columns()) }}
        {%- endif %}

    ),

    {{ name }}_named as (

        select
            changed.*,
            cast(case
                when changed.presence_change = 1 then 'back'
                when arrived_events.is_back = 1 then 'restored'
                when arrived_events.event_id is not null and arrived.event_id is null then 'moved'
                else 'gone'
            end as {{ dbt.type_string() }}) as change_kind
        from {{ changed }} as changed
        left join {{ name }}_arrived_events as arrived_events
            on changed.event_id = arrived_events.event_id
        left join {{ name }}_arrived as arrived
            on changed.event_id = arrived.event_id and {{ dbt_forensics.is_same('changed.batch_id', 'arrived.batch_id') }}
        union all
        select
            {%- for column in columns %}
            still_gone.{{ column }},
            {%- endfor %}
            cast(0 as {{ dbt.type_bigint() }}) as presence_change,
            {{ dbt_forensics.recorded_at() }} as recorded_at,
            cast('event_back' as {{ dbt.type_string() }}) as change_kind
        from {{ name }}_still_gone as still_gone
        inner join {{ name }}_arrived_events as arrived_events
            on still_gone.event_id = arrived_events.event_id
        left join {{ changed }} as changed
            on still_gone.row_key = changed.row_key
        where changed.row_key is null

    )
{%- endmacro %}


{% macro presence_columns() %}
    {#- Columns of int_forensics__presence_changes and their types. -#}
    {{ return({
        'stream': 'text', 'row_key': 'text', 'event_id': 'text', 'batch_id': 'text', 'event_time': 'time', 'ingested_at': 'time',
        'presence_change': 'integer', 'recorded_at': 'time', 'change_kind': 'text',
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
