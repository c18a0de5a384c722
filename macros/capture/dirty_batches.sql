{% macro dirty_batches(stream) %}
    {#-
        CTEs, the last of them named <stream>_dirty: the batches of a stream that are new, or differ from their seal, or are gone.
        Rows are counted over the whole relation (two thin columns). Inside the verify horizon a batch's fingerprint (the sum of
        the engine's own hashes of its rows) is compared with the one that its seal came with, which is cheap; where it differs, and
        everywhere in a scrub, the digest is made again and decides. So a row too many or too few is found at any age, and a
        rewrite that keeps the count inside the horizon or by the next scrub.
    -#}
    {%- set name = stream.name -%}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set seals = dbt_forensics._existing('forensics__batch_history') -%}
    {%- set arrival = dbt_forensics._time_sql(shape, 'ingested_at') -%}
    {%- set ingested_at = dbt_forensics._role_sql(shape, 'ingested_at') -%}
    {%- set recorded = [dbt_forensics._existing('forensics__event_history'), dbt_forensics._existing('int_forensics__presence_changes')] | select | list -%}
    {%- set horizon = dbt_forensics._horizon(stream, shape, seals) %}
    {{ name }}_sealed as (

        {%- if seals %}
        select batch_id, row_count, batch_digest, fingerprint, min_ingested_at, max_ingested_at
        from {{ seals }}
        where stream = '{{ name }}' and dbt_valid_to is null
        {%- else %}
        {{ dbt_forensics.no_rows({
            'batch_id': 'text', 'row_count': 'integer', 'batch_digest': 'text', 'fingerprint': 'text',
            'min_ingested_at': 'time', 'max_ingested_at': 'time',
        }) }}
        {%- endif %}

    ),

    {{ name }}_arrivals as (

        {#- By one column at a time: an engine counts by the values of one column much faster than by two, and skips where none is missing. #}
        {%- set parts = dbt_forensics._batch_parts(shape) -%}
        {%- for part in ['given_batch', 'arrival_hour'] if parts[part] %}
        {{- '\n        union all' if not loop.first }}
        select
            {{ parts.given_batch if part == 'given_batch' else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as given_batch,
            {{ parts.arrival_hour if part == 'arrival_hour' else 'cast(null as ' ~ dbt.type_timestamp() ~ ')' }} as arrival_hour,
            count(*) as row_count,
            min({{ ingested_at }}) as min_ingested_at,
            max({{ ingested_at }}) as max_ingested_at
        from {{ shape.source }}
        {%- if parts.given_batch %}
        where {{ parts.given_batch }} is {{ 'not ' if part == 'given_batch' }}null
        {%- endif %}
        group by {{ parts[part] }}
        {%- endfor %}

    ),

    {{ name }}_counted as (

        select
            {{ dbt_forensics._batch_of_parts() }} as batch_id,
            sum(row_count) as row_count,
            min(min_ingested_at) as min_ingested_at,
            max(max_ingested_at) as max_ingested_at
        from {{ name }}_arrivals
        group by 1

    ),

    {{ name }}_hashes as (

        select
            {%- set parts = dbt_forensics._batch_parts(shape) %}
            {{ parts.given_batch or 'cast(null as ' ~ dbt.type_string() ~ ')' }} as given_batch,
            {{ 'case when ' ~ parts.given_batch ~ ' is null then ' ~ parts.arrival_hour ~ ' end' if parts.given_batch else parts.arrival_hour }} as arrival_hour,
            count(*) as row_count,
            sum({{ dbt_forensics.hash_of(dbt_forensics._kept_values(shape)) }}) as hash_sum
        from {{ shape.source }}
        where
            {{ arrival }} >= {{ horizon.earliest_arrival }}
            or {{ arrival }} < {{ dbt_forensics.earliest_time() }}
            or {{ arrival }} is null
        group by 1, 2

    ),

    {{ name }}_hashed as (

        select
            {{ dbt_forensics._batch_of_parts() }} as batch_id,
            sum(row_count) as row_count,
            cast(sum(hash_sum) as {{ dbt.type_string() }}) as fingerprint
        from {{ name }}_hashes
        group by 1

    ),

    {{ name }}_unsealed as (

        {#- What a build recorded that was cut off: it may be otherwise again, and nothing would be compared with a seal. #}
        {% if recorded -%}
        select
            batch_id,
            min(ingested_at) as min_ingested_at,
            max(ingested_at) as max_ingested_at
        from (
            {%- for relation in recorded %}
            select batch_id, ingested_at
            from {{ relation }} as recorded
            where stream = '{{ name }}' and {{ dbt_forensics.is_unsealed('recorded') }}
            {{- '\n            union all' if not loop.last }}
            {%- endfor %}
        ) as unsealed
        group by batch_id
        {%- else -%}
        {{ dbt_forensics.no_rows({'batch_id': 'text', 'min_ingested_at': 'time', 'max_ingested_at': 'time'}) }}
        {%- endif %}

    ),

    {{ name }}_known as (

        select
            coalesce(sealed.batch_id, unsealed.batch_id) as batch_id,
            unsealed.batch_id is not null as is_unsealed,
            sealed.row_count,
            sealed.batch_digest,
            sealed.fingerprint,
            {{ dbt_forensics.least_of('sealed.min_ingested_at', 'unsealed.min_ingested_at') }} as min_ingested_at,
            {{ dbt_forensics.greatest_of('sealed.max_ingested_at', 'unsealed.max_ingested_at') }} as max_ingested_at
        from {{ name }}_sealed as sealed
        full outer join {{ name }}_unsealed as unsealed
            on sealed.batch_id = unsealed.batch_id

    ),

    {{ name }}_compared as (

        select
            coalesce(counted.batch_id, sealed.batch_id) as batch_id,
            coalesce(sealed.is_unsealed, false) as is_unsealed,
            sealed.row_count as sealed_count,
            sealed.batch_digest as sealed_digest,
            sealed.fingerprint as sealed_fingerprint,
            {#- Of all rows of the batch, or of none. #}
            case when hashed.row_count = counted.row_count then hashed.fingerprint end as fingerprint,
            coalesce(counted.row_count, 0) as row_count,
            {{ dbt_forensics.least_of('counted.min_ingested_at', 'sealed.min_ingested_at') }} as min_ingested_at,
            {{ dbt_forensics.greatest_of('counted.max_ingested_at', 'sealed.max_ingested_at') }} as max_ingested_at
        from {{ name }}_counted as counted
        full outer join {{ name }}_known as sealed
            on counted.batch_id = sealed.batch_id
        left join {{ name }}_hashed as hashed
            on counted.batch_id = hashed.batch_id

    ),
    {% if seals %}
    {{ name }}_suspected as (

        select compared.*
        from {{ name }}_compared as compared
        where
            compared.row_count = compared.sealed_count
            and compared.row_count > 0
            and (compared.max_ingested_at >= {{ horizon.from_time }} or compared.max_ingested_at is null)
            {%- if dbt_forensics.verify_mode() != 'full' %}
            and (compared.fingerprint is null or compared.sealed_fingerprint is null or compared.fingerprint <> compared.sealed_fingerprint)
            {%- endif %}

    ),

    {{ dbt_forensics.captured_rows(stream, shape, 'batch_id in (select batch_id from ' ~ name ~ '_suspected)', horizon.earliest_arrival, dbt_forensics.latest_time()) }},

    {{ name }}_verified as (

        select
            batch_id,
            {{ dbt_forensics.set_digest('row_key') }} as source_digest
        from {{ name }}_captured
        group by batch_id

    ),
    {% else %}
    {{ name }}_verified as (

        {{ dbt_forensics.no_rows({'batch_id': 'text', 'source_digest': 'text'}) }}

    ),
    {% endif %}
    {{ name }}_dirty as (

        select
            '{{ name }}' as stream,
            compared.batch_id,
            case
                when compared.row_count = 0 then 'gone'
                when compared.is_unsealed then 'unsealed'
                when compared.sealed_count is null then 'new'
                when compared.row_count <> compared.sealed_count then 'row_count'
                else 'digest'
            end as difference,
            compared.row_count,
            compared.sealed_count,
            compared.min_ingested_at,
            compared.max_ingested_at,
            compared.fingerprint
        from {{ name }}_compared as compared
        left join {{ name }}_verified as verified
            on compared.batch_id = verified.batch_id
        where
            compared.sealed_count is null
            or compared.is_unsealed
            or compared.row_count <> compared.sealed_count
            or verified.source_digest <> compared.sealed_digest

    )
{% endmacro %}


{% macro _batch_parts(shape) %}
    {#-
        {given_batch, arrival_hour}: SQL of what a row names as its batch, or none where the stream maps none, and of what takes its place. Grouped by as they
        are, they need not be written as text for each row.
    -#}
    {{ return({
        'given_batch': dbt_forensics._role_sql(shape, 'batch_id') if shape.roles.batch_id else none,
        'arrival_hour': dbt_forensics.time_trunc('hour', dbt_forensics._role_sql(shape, 'ingested_at')),
    }) }}
{% endmacro %}


{% macro _batch_of_parts() %}
    {{ return('coalesce(given_batch, ' ~ dbt_forensics.canonical_text('arrival_hour', dbt.type_timestamp()) ~ ", 'unknown')") }}
{% endmacro %}


{% macro _kept_values(shape) %}
    {#-
        SQL of everything that a raw row says, as the relation has it; as text where it is no number, text, time or boolean: to an engine two intervals, lists or structs
        may be one whose texts differ (30 days and 1 month; no list and an empty one).
    -#}
    {%- set given, values = [], [] -%}
    {%- for role in shape.roles.values() -%}{%- do given.append((role.sql, role.data_type)) -%}{%- endfor -%}
    {%- for column in shape.payload -%}
        {%- do given.append((shape.original.get(column, dbt_forensics.quoted(column)), shape.columns[column])) -%}
    {%- endfor -%}
    {%- for sql, data_type in given -%}
        {%- do values.append(sql if data_type and dbt_forensics.type_family(data_type) else dbt_forensics.canonical_text(sql, data_type)) -%}
    {%- endfor -%}
    {{ return(values | unique(case_sensitive=true) | list) }}
{% endmacro %}


{% macro _horizon(stream, shape, seals) %}
    {#-
        {from_time, earliest_arrival}, as SQL literals: batches with arrivals since from_time are verified, and their rows begin with earliest_arrival.
        The horizon is counted from the latest arrival on record, not from the clock, so that a pause between builds
        loses nothing; an arrival beyond the clock is a mistake and moves nothing. A scrub verifies everything.
    -#}
    {%- set earliest = dbt_forensics.earliest_time() -%}
    {%- if dbt_forensics.verify_mode() == 'full' -%}{{ return({'from_time': earliest, 'earliest_arrival': earliest}) }}{%- endif -%}
    {%- set horizon = dbt_forensics.verify_horizon() -%}
    {%- set start = 'select ' ~ dbt_forensics.time_plus(horizon.period, -horizon['count'], 'max(arrival)') ~ ' from (' -%}
    {%- set of_stream = "stream = '" ~ stream.name ~ "' and dbt_valid_to is null and row_count > 0" -%}
    {%- if seals -%}
        {%- set arrivals = 'select max_ingested_at as arrival from ' ~ seals ~ ' where ' ~ of_stream -%}
    {%- else -%}
        {%- set arrivals = 'select ' ~ dbt_forensics._role_sql(shape, 'ingested_at') ~ ' as arrival from ' ~ shape.source -%}
    {%- endif -%}
    {%- set latest = dbt_forensics._single_row(start ~ arrivals ~ ') as arrivals where arrival <= ' ~ dbt_forensics.recorded_at())[0] -%}
    {%- if not latest -%}{{ return({'from_time': earliest, 'earliest_arrival': earliest}) }}{%- endif -%}
    {%- set from_time = dbt_forensics.timestamp_literal(latest) -%}
    {%- set arrived_from = none -%}
    {%- if seals -%}
        {%- set arrived_from = dbt_forensics._single_row('select min(min_ingested_at) from ' ~ seals ~ ' where ' ~ of_stream ~ ' and max_ingested_at >= ' ~ from_time)[0] -%}
    {%- endif -%}
    {{ return({'from_time': from_time, 'earliest_arrival': dbt_forensics.timestamp_literal(arrived_from) if arrived_from and arrived_from < latest else from_time}) }}
{% endmacro %}


{% macro dirty_batch_columns() %}
    {#- Columns of int_forensics__dirty_batches and their types. -#}
    {{ return({
        'stream': 'text', 'batch_id': 'text', 'difference': 'text', 'row_count': 'integer', 'sealed_count': 'integer',
        'min_ingested_at': 'time', 'max_ingested_at': 'time', 'fingerprint': 'text',
    }) }}
{% endmacro %}
