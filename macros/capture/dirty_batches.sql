{% macro dirty_batches(stream) %}
    {#-
        CTEs, the last of them named <stream>_dirty: the batches of a stream that are new, or differ from their seal, or are gone.
        Rows are counted over the whole relation (two thin columns); digests are compared inside the verify horizon, and
        everywhere in a scrub. So a row too many or too few is found at any age, and a rewrite that keeps the count inside the
        horizon or by the next scrub.
    -#}
    {%- set name = stream.name -%}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set seals = dbt_forensics._existing('forensics__batch_history') -%}
    {%- set ingested_at = dbt_forensics._role_sql(shape, 'ingested_at') -%}
    {%- set given_batch = dbt_forensics._role_sql(shape, 'batch_id') if shape.roles.batch_id else 'cast(null as ' ~ dbt.type_string() ~ ')' -%}
    {%- set hour = dbt_forensics.time_trunc('hour', ingested_at) -%}
    {%- set from_time = dbt_forensics._verified_from(stream, seals) %}

    {{ name }}_sealed as (

        {%- if seals %}
        select batch_id, row_count, source_digest, min_ingested_at, max_ingested_at
        from {{ seals }}
        where stream = '{{ name }}' and dbt_valid_to is null
        {%- else %}
        {{ dbt_forensics.no_rows({'batch_id': 'text', 'row_count': 'integer', 'source_digest': 'text', 'min_ingested_at': 'time', 'max_ingested_at': 'time'}) }}
        {%- endif %}

    ),

    {{ name }}_arrivals as (

        select
            {{ given_batch }} as given_batch,
            {{ 'case when ' ~ given_batch ~ ' is null then ' ~ hour ~ ' end' if shape.roles.batch_id else hour }} as arrival_hour,
            count(*) as row_count,
            min({{ ingested_at }}) as min_ingested_at,
            max({{ ingested_at }}) as max_ingested_at
        from {{ shape.source }}
        group by given_batch, arrival_hour

    ),

    {{ name }}_counted as (

        select
            coalesce(given_batch, {{ dbt_forensics.canonical_text('arrival_hour', dbt.type_timestamp()) }}, 'unknown') as batch_id,
            sum(row_count) as row_count,
            min(min_ingested_at) as min_ingested_at,
            max(max_ingested_at) as max_ingested_at
        from {{ name }}_arrivals
        group by 1

    ),

    {{ name }}_compared as (

        select
            coalesce(counted.batch_id, sealed.batch_id) as batch_id,
            sealed.row_count as sealed_count,
            sealed.source_digest as sealed_digest,
            coalesce(counted.row_count, 0) as row_count,
            {{ dbt_forensics.least_of('counted.min_ingested_at', 'sealed.min_ingested_at') }} as min_ingested_at,
            {{ dbt_forensics.greatest_of('counted.max_ingested_at', 'sealed.max_ingested_at') }} as max_ingested_at
        from {{ name }}_counted as counted
        full outer join {{ name }}_sealed as sealed
            on counted.batch_id = sealed.batch_id

    ),
    {% if from_time %}
    {{ name }}_suspected as (

        select compared.*
        from {{ name }}_compared as compared
        where
            compared.row_count = compared.sealed_count
            and compared.row_count > 0
            and (compared.max_ingested_at >= {{ from_time[0] }} or compared.max_ingested_at is null)

    ),

    {{ dbt_forensics.captured_rows(stream, shape, 'batch_id in (select batch_id from ' ~ name ~ '_suspected)', from_time[1], dbt_forensics.latest_time()) }},

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
                when compared.sealed_count is null then 'new'
                when compared.row_count = 0 then 'gone'
                when compared.row_count <> compared.sealed_count then 'row_count'
                else 'digest'
            end as difference,
            compared.row_count,
            compared.sealed_count,
            compared.min_ingested_at,
            compared.max_ingested_at
        from {{ name }}_compared as compared
        left join {{ name }}_verified as verified
            on compared.batch_id = verified.batch_id
        where
            compared.sealed_count is null
            or compared.row_count <> compared.sealed_count
            or verified.source_digest <> compared.sealed_digest

    )
{% endmacro %}


{% macro _verified_from(stream, seals) %}
    {#-
        [from when sealed batches are verified by digest, how far back their rows reach], as SQL literals, or none if there are
        none. The horizon is counted from the latest arrival on record, not from the clock, so that a pause between builds
        loses nothing; an arrival beyond the clock is a mistake and moves nothing.
    -#}
    {%- if not seals -%}{{ return(none) }}{%- endif -%}
    {%- set horizon = dbt_forensics.verify_horizon() -%}
    {%- set of_stream = "stream = '" ~ stream.name ~ "' and dbt_valid_to is null and row_count > 0" -%}
    {%- set earliest = dbt_forensics.earliest_time() -%}
    {%- if dbt_forensics.verify_mode() == 'full' -%}
        {%- set from_time = earliest -%}
    {%- else -%}
        {%- set latest = dbt_forensics._single_row(
            'select ' ~ dbt_forensics.time_plus(horizon.period, -horizon['count'], 'max(max_ingested_at)') ~ ' from ' ~ seals
            ~ ' where ' ~ of_stream ~ ' and max_ingested_at <= ' ~ dbt_forensics.recorded_at()
        )[0] -%}
        {%- set from_time = dbt_forensics.timestamp_literal(latest) if latest else earliest -%}
    {%- endif -%}
    {%- set reach = dbt_forensics._single_row(
        'select count(*), min(min_ingested_at) from ' ~ seals ~ ' where ' ~ of_stream
        ~ ' and (max_ingested_at >= ' ~ from_time ~ ' or max_ingested_at is null)'
    ) -%}
    {%- if reach[0] == 0 -%}{{ return(none) }}{%- endif -%}
    {{ return([from_time, dbt_forensics.timestamp_literal(reach[1]) if reach[1] else earliest]) }}
{% endmacro %}


{% macro dirty_batch_columns() %}
    {{ return({
        'stream': 'text', 'batch_id': 'text', 'difference': 'text', 'row_count': 'integer', 'sealed_count': 'integer',
        'min_ingested_at': 'time', 'max_ingested_at': 'time',
    }) }}
{% endmacro %}
