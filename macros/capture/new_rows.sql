{% macro new_rows(stream, dirty, history) %}
    {#-
        CTEs, the last of them named <stream>_new: the rows of a stream's dirty batches that are not in the history yet.
        dirty: int_forensics__dirty_batches. history: the event history as it is, or none.
    -#}
    {%- set name = stream.name -%}
    {%- set arrivals = dbt_forensics.arrival_range(dirty, name, "difference not in ('gone', 'unread')") -%}
    {%- set shape = dbt_forensics.stream_shape(stream) if arrivals else none -%}
    {%- if arrivals and arrivals.failing -%}{%- set shape = dict(shape, sources=dbt_forensics.tried_sources(stream, shape, arrivals.failing)) -%}{%- endif -%}
    {%- set is_first = dbt_forensics.is_first_build(name) -%}
    {%- set recorded_at = dbt_forensics.recorded_at() -%}
    {%- set columns = dbt_forensics.event_history_columns() -%}
    {%- set is_reshaped = arrivals and history and not is_first.is_untouched and dbt_forensics.has_other_shapes(stream, shape, history, arrivals) -%}
    {% if not arrivals %}
    {{ name }}_new as (

        {{ dbt_forensics.no_rows(columns) }}

    )
    {%- else %}
    {{ name }}_batches as (

        select batch_id
        from {{ dirty }}
        where stream = '{{ name }}' and difference not in ('gone', 'unread')

    ),

    {{ dbt_forensics.captured_rows(stream, shape, 'batch_id in (select batch_id from ' ~ name ~ '_batches)', arrivals.from_time, arrivals.to_time, dbt_forensics.broken_rule(stream, shape, arrivals.failing)) }},

    {% if history and not is_first.is_untouched -%}
    {{ name }}_known as (

        select row_key
        from {{ history }}
        where stream = '{{ name }}' and ingested_at between {{ arrivals.from_time }} and {{ arrivals.to_time }}
        union all
        select row_key
        from {{ history }}
        where stream = '{{ name }}' and ingested_at is null

    ),
    {%- if is_reshaped %}
    {{ dbt_forensics.reshaped_rows(stream, shape, history, arrivals) }}
    {%- endif %}
    {%- endif %}

    {{ name }}_new as (

        select
            cast('{{ name }}' as {{ dbt.type_string() }}) as stream,
            captured.row_key,
            cast(captured.ordinal as {{ dbt.type_bigint() }}) as ordinal,
            captured.batch_id,
            captured.event_id,
            captured.entity_id,
            captured.event_type,
            captured.event_time,
            captured.ingested_at,
            captured.sequence_number,
            captured.schema_version,
            captured.tenant,
            captured.payload,
            cast(captured.broken_rule as {{ dbt.type_string() }}) as broken_rule,
            {{ dbt_forensics.shape_digest(shape) }} as shape_digest,
            cast(1 as {{ dbt.type_bigint() }}) as digest_version,
            {{ recorded_at }} as recorded_at,
            {% if is_first.is_first -%}
            {#- History from before the installation took effect when it arrived, as far as anybody can say. #}
            case when captured.ingested_at < {{ recorded_at }} then captured.ingested_at else {{ recorded_at }} end as effective_at
            {%- else -%}
            {{ recorded_at }} as effective_at
            {%- endif %}
        from {{ name }}_captured as captured
        {%- if history and not is_first.is_untouched %}
        left join {{ name }}_known as known
            on captured.row_key = known.row_key
        {%- if is_reshaped %}
        left join {{ name }}_reshaped as reshaped
            on captured.row_key = reshaped.raw_key
        {%- endif %}
        where known.row_key is null{{ ' and reshaped.raw_key is null' if is_reshaped }}
        {%- endif %}

    )
    {%- endif %}
{% endmacro %}


{% macro event_history_columns() %}
    {#- Columns of the event history and their types. -#}
    {{ return({
        'stream': 'text', 'row_key': 'text', 'ordinal': 'integer', 'batch_id': 'text', 'event_id': 'text', 'entity_id': 'text', 'event_type': 'text',
        'event_time': 'time', 'ingested_at': 'time', 'sequence_number': 'number', 'schema_version': 'text', 'tenant': 'text',
        'payload': 'text', 'broken_rule': 'text', 'shape_digest': 'text', 'digest_version': 'integer', 'recorded_at': 'time', 'effective_at': 'time',
    }) }}
{% endmacro %}


{% macro arrival_range(dirty, stream_name, condition) %}
    {#-
        {from_time, to_time, failing} of a stream's dirty batches; none if there are no such batches. The times, of their arrivals, are SQL literals. failing: the keys that
        cannot be evaluated on all of their rows.
    -#}
    {%- set found = dbt_forensics._single_row(
        'select count(*), min(min_ingested_at), max(max_ingested_at), max(config_key) from ' ~ dirty
        ~ " where stream = '" ~ stream_name ~ "' and " ~ condition
    ) -%}
    {%- if found[0] == 0 -%}{{ return(none) }}{%- endif -%}
    {{ return({
        'from_time': dbt_forensics.timestamp_literal(found[1]) if found[1] else dbt_forensics.earliest_time(),
        'to_time': dbt_forensics.timestamp_literal(found[2]) if found[2] else dbt_forensics.latest_time(),
        'failing': found[3].split(' ') if found[3] else [],
    }) }}
{% endmacro %}


{% macro is_first_build(stream_name) %}
    {#- is_first: nothing of the stream was sealed yet. is_untouched: no row of it was captured either (no build was killed). -#}
    {%- set of_stream = " where stream = '" ~ stream_name ~ "'" -%}
    {%- set seals = dbt_forensics._existing('forensics__batch_history') -%}
    {%- set is_first = not seals or dbt_forensics._single_row('select count(*) from ' ~ seals ~ of_stream)[0] == 0 -%}
    {%- set is_untouched = is_first -%}
    {%- if is_first -%}
        {%- set history = dbt_forensics._existing('forensics__event_history') -%}
        {%- set is_untouched = not history or dbt_forensics._single_row('select count(*) from ' ~ history ~ of_stream)[0] == 0 -%}
    {%- endif -%}
    {{ return({'is_first': is_first, 'is_untouched': is_untouched}) }}
{% endmacro %}
