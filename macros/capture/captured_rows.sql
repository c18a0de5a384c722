{% macro captured_rows(stream, shape, batches, from_time=none, to_time=none, broken_rule=none) %}
    {#-
        CTEs, the last of them named <stream>_captured: the raw rows of some batches in the form in which they are kept, with row_key.
        batches: a condition over batch_id. from_time, to_time: SQL bounds of ingested_at, both inclusive, that let the
        engine skip the rest of the relation; rows without a readable ingested_at are always looked at. broken_rule: what broken_rule() gives, where rows are
        captured, which may be from several parts of the relation; without it they are only identified.
    -#}
    {%- set name = stream.name -%}
    {%- set roles = shape.roles -%}
    {%- set kept = dbt_forensics._kept_texts(shape) %}
    {%- set unreadable = dbt_forensics._unreadable_texts(shape, kept) %}
    {{ name }}_raw as (

        {%- for source in (shape.sources if broken_rule else [shape.source]) %}
        {{- '\n        union all' if not loop.first }}
        select
            {{ dbt_forensics._batch_id(shape) }} as batch_id,
            {%- for role in ['event_id', 'entity_id', 'event_type', 'event_time', 'ingested_at', 'sequence_number', 'schema_version', 'tenant'] %}
            {{ dbt_forensics._role_sql(shape, role) }} as {{ role }},
            {%- endfor %}
            {%- for text in kept.values() %}
            {{ text }} as kept_{{ loop.index }},
            {%- endfor %}
            {%- for text in unreadable.values() %}
            {{ text }} as unreadable_{{ loop.index }},
            {%- endfor %}
            {{ broken_rule or 'cast(null as ' ~ dbt.type_string() ~ ')' }} as broken_rule
        from {{ source }}
        {%- if from_time and to_time %}
        where {{ dbt_forensics._arrives_within(shape, from_time, to_time) }}
        {%- endif %}
        {%- endfor %}

    ),

    {{ name }}_rows as (

        select
            batch_id,
            {{ 'event_id' if roles.event_id else 'cast(null as ' ~ dbt.type_string() ~ ') as event_id' }},
            entity_id,
            event_type,
            event_time,
            ingested_at,
            sequence_number,
            schema_version,
            tenant,
            broken_rule,
            {%- set fields, rare = {}, {} -%}
            {%- for field in kept -%}{%- do fields.update({field: 'kept_' ~ loop.index}) -%}{%- endfor %}
            {%- for field in unreadable -%}{%- do rare.update({field: 'unreadable_' ~ loop.index}) -%}{%- endfor %}
            {{ dbt_forensics.canonical_json(fields, rare) }} as payload
        from {{ name }}_raw
        where {{ batches }}

    ),

    {{ name }}_identified as (

        select
            batch_id,
            {{ 'event_id' if roles.event_id else dbt_forensics._content_digest() ~ ' as event_id' }},
            entity_id,
            event_type,
            event_time,
            ingested_at,
            sequence_number,
            schema_version,
            tenant,
            broken_rule,
            payload
        from {{ name }}_rows

    ),

    {{ name }}_digested as (

        select
            *,
            {{ dbt_forensics.captured_row_digest("'" ~ name ~ "'") }} as row_digest
        from {{ name }}_identified

    ),

    {{ name }}_repeated as (

        select {{ dbt_forensics.hash_of(['batch_id', 'event_id', 'ingested_at']) }} as row_hash
        from {{ name }}_identified
        group by row_hash
        having count(*) > 1

    ),

    {{ name }}_numbered as (

        {#- Identical rows agree in their hash. Only rows that share one are numbered: the window function sees few rows. #}
        select
            digested.*,
            cast(row_number() over (partition by digested.row_digest order by digested.batch_id) as {{ dbt.type_int() }}) as ordinal
        from {{ name }}_digested as digested
        inner join {{ name }}_repeated as repeated
            on {{ dbt_forensics.hash_of(['digested.batch_id', 'digested.event_id', 'digested.ingested_at']) }} = repeated.row_hash

    ),

    {{ name }}_captured as (

        select
            digested.*,
            1 as ordinal,
            digested.row_digest as row_key
        from {{ name }}_digested as digested
        left join {{ name }}_repeated as repeated
            on {{ dbt_forensics.hash_of(['digested.batch_id', 'digested.event_id', 'digested.ingested_at']) }} = repeated.row_hash
        where repeated.row_hash is null
        union all
        select
            *,
            case when ordinal = 1 then row_digest else {{ dbt_forensics.repeated_row_key() }} end as row_key
        from {{ name }}_numbered

    )
{% endmacro %}


{% macro _arrives_within(shape, from_time, to_time) %}
    {#- A condition on raw rows: of these arrivals, or of one that cannot be true. -#}
    {%- set arrival = dbt_forensics._time_sql(shape, 'ingested_at') -%}
    (
            {{ arrival }} between {{ from_time }} and {{ to_time }}
            or {{ arrival }} < {{ dbt_forensics.earliest_time() }}
            or {{ arrival }} >= {{ dbt_forensics.latest_time() }}
            or {{ arrival }} is null
        )
{%- endmacro %}


{% macro _role_sql(shape, role) %}
    {#- The value of a role in the type in which it is kept; NULL for a role that the stream does not map. -#}
    {%- set given = shape.roles.get(role) -%}
    {%- if role in ['event_time', 'ingested_at'] -%}
        {#- A time that cannot be true would bound what is read, and many a client cannot hold it. Its text is kept in the payload. -#}
        {%- set time = dbt_forensics._time_sql(shape, role) -%}
        {{ return('case when ' ~ dbt_forensics._is_plausible(time) ~ ' then ' ~ time ~ ' end') }}
    {%- elif role == 'sequence_number' -%}
        {{ return(dbt_forensics.exact_number(given.sql) if given else 'cast(null as ' ~ dbt_forensics.type_exact_number() ~ ')') }}
    {%- endif -%}
    {{ return(dbt_forensics.without_collation(dbt_forensics.canonical_text(given.sql, given.data_type)) if given else 'cast(null as ' ~ dbt.type_string() ~ ')') }}
{% endmacro %}


{% macro _time_sql(shape, role) %}
    {#- The time that a role has in the relation, as it can be read, whatever it is. -#}
    {%- set given = shape.roles[role] -%}
    {{ return(dbt_forensics.utc_timestamp(given.sql, given.data_type)) }}
{% endmacro %}


{% macro _batch_id(shape) %}
    {#- The batch as text; where a row names none, the hour of its arrival. -#}
    {%- set hour = dbt_forensics.canonical_text(dbt_forensics.time_trunc('hour', dbt_forensics._role_sql(shape, 'ingested_at')), dbt.type_timestamp()) -%}
    {{ return('coalesce(' ~ (dbt_forensics._role_sql(shape, 'batch_id') ~ ', ' if shape.roles.batch_id else '') ~ hour ~ ", 'unknown')") }}
{% endmacro %}


{% macro _kept_texts(shape) %}
    {#- {name: text expression} of the content columns, which go into payload. -#}
    {%- set kept = {} -%}
    {%- for column in shape.payload -%}
        {%- do kept.update({column: dbt_forensics.canonical_text(shape.original.get(column, dbt_forensics.quoted(column)), shape.columns[column])}) -%}
    {%- endfor -%}
    {{ return(kept) }}
{% endmacro %}


{% macro _unreadable_texts(shape, kept) %}
    {#- {name: text expression} of what goes into payload beside them: the text of a time or number that could not be read. -#}
    {%- set unreadable = {} -%}
    {%- for role in ['event_time', 'ingested_at', 'sequence_number'] if role in shape.roles -%}
        {%- set given = shape.roles[role] -%}
        {%- set is_always_read = role == 'sequence_number' and given.data_type and 'int' in given.data_type | lower -%}
        {%- if given.column not in kept and not is_always_read -%}
            {%- set text = dbt_forensics.canonical_text(given.sql, given.data_type) -%}
            {%- do unreadable.update({(given.column or role): 'case when ' ~ dbt_forensics._role_sql(shape, role) ~ ' is null then ' ~ text ~ ' end'}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(unreadable) }}
{% endmacro %}


{% macro captured_row_digest(stream_name) %}
    {#-
        Digest version 1: md5 of a JSON array (who, and when) and a JSON object (what), written one after the other. It is made of a
        captured row's own columns, so that it can be made again from the history.
    -#}
    {%- set stamp = dbt.type_timestamp() -%}
    {{ return(dbt.hash(dbt_forensics.canonical_json_array([
        stream_name, 'batch_id', 'event_id', 'entity_id', 'event_type',
        dbt_forensics.canonical_text('event_time', stamp), dbt_forensics.canonical_text('ingested_at', stamp),
        dbt_forensics.canonical_text('sequence_number', dbt_forensics.type_exact_number() | replace('numeric', 'decimal')),
        'schema_version', 'tenant',
    ]) ~ ' || payload')) }}
{% endmacro %}


{% macro _content_digest() %}
    {#- The event id of a stream that has none: the digest of what the event says, whenever and however it was delivered. -#}
    {{ return(dbt.hash(dbt_forensics.canonical_json_array([
        'entity_id', 'event_type', dbt_forensics.canonical_text('event_time', dbt.type_timestamp()), 'tenant',
    ]) ~ ' || payload')) }}
{% endmacro %}


{% macro repeated_row_key() %}
    {#- The key of the second and each later one of identical rows in a batch; the first one's key is its digest. -#}
    {{ return(dbt.hash("row_digest || ':' || cast(ordinal as " ~ dbt.type_string() ~ ")")) }}
{% endmacro %}
