{% macro batch_seals(dirty, history, presence) %}
    {#-
        CTEs, the last of them named sealed_batches: the state of each dirty batch as it is on record, with its seal. A seal covers the
        batch's content and the head of its stream's chain before this build; the head after it covers all seals of the build.
    -#}
    {%- set seals = dbt_forensics._existing('forensics__batch_history') -%}
    {%- set arrivals = dbt_forensics._single_row('select min(min_ingested_at), max(max_ingested_at) from ' ~ dirty) -%}
    {%- set bounds = {
        'from_time': dbt_forensics.timestamp_literal(arrivals[0]) if arrivals[0] else dbt_forensics.earliest_time(),
        'to_time': dbt_forensics.timestamp_literal(arrivals[1]) if arrivals[1] else dbt_forensics.latest_time(),
    } -%}
    absent as (

        select row_key
        from {{ presence }}
        group by row_key
        having sum(presence_change) < 0

    ),

    rows_of_batches as (

        select history.*
        from {{ history }} as history
        inner join {{ dirty }} as dirty
            on history.stream = dirty.stream and history.batch_id = dirty.batch_id
        where history.ingested_at between {{ bounds.from_time }} and {{ bounds.to_time }}
        union all
        select history.*
        from {{ history }} as history
        inner join {{ dirty }} as dirty
            on history.stream = dirty.stream and history.batch_id = dirty.batch_id
        where history.ingested_at is null

    ),

    rows_present as (

        select rows_of_batches.*
        from rows_of_batches
        left join absent
            on rows_of_batches.row_key = absent.row_key
        where absent.row_key is null

    ),

    digested as (

        select
            stream,
            batch_id,
            count(*) as row_count,
            min(event_time) as min_event_time,
            max(event_time) as max_event_time,
            max(case when {{ dbt_forensics.by_stream('timeliness', dbt_forensics.streams(), 'rows_present') }} <> 'future' then event_time end) as latest_event_time,
            min(ingested_at) as min_ingested_at,
            max(ingested_at) as max_ingested_at,
            {{ dbt_forensics.set_digest('row_key') }} as batch_digest
        from rows_present
        group by stream, batch_id

    ),

    heads as (

        {{ dbt_forensics.chain_heads(seals) }}

    ),

    described as (

        select
            dirty.stream,
            dirty.batch_id,
            cast(coalesce(digested.row_count, 0) as {{ dbt.type_bigint() }}) as row_count,
            digested.min_event_time,
            digested.max_event_time,
            digested.latest_event_time,
            digested.min_ingested_at,
            digested.max_ingested_at,
            coalesce(digested.batch_digest, '0-0-0') as batch_digest,
            {#- The fingerprint is the relation's: it says nothing of a record that holds rows which are gone there. #}
            case when coalesce(digested.row_count, 0) = dirty.row_count then dirty.fingerprint end as fingerprint,
            cast(1 as {{ dbt.type_bigint() }}) as digest_version,
            coalesce(heads.head, {{ dbt.hash('dirty.stream') }}) as previous_seal
        from {{ dirty }} as dirty
        left join digested
            on dirty.stream = digested.stream and dirty.batch_id = digested.batch_id
        left join heads
            on dirty.stream = heads.stream
        where dirty.difference <> 'unread'

    ),

    sealed_batches as (

        select
            described.*,
            {{ dbt_forensics.seal_of('described') }} as seal,
            {{ dbt_forensics.recorded_at() }} as recorded_at
        from described

    )
{% endmacro %}


{% macro seal_of(row) %}
    {#- The digest of a batch's state and of the head of the chain before it. -#}
    {{ return(dbt.hash(dbt_forensics.canonical_json({
        'stream': row ~ '.stream',
        'batch_id': row ~ '.batch_id',
        'row_count': 'cast(' ~ row ~ '.row_count as ' ~ dbt.type_string() ~ ')',
        'batch_digest': row ~ '.batch_digest',
        'previous_seal': row ~ '.previous_seal',
    }))) }}
{% endmacro %}


{% macro chain_heads(seals) %}
    {#- One row per stream: the head of its chain (the digest of the seals of its last build) and when that was. -#}
    {%- if not seals -%}
    {{ return(dbt_forensics.no_rows({'stream': 'text', 'head': 'text', 'recorded_at': 'time'})) }}
    {%- endif -%}
    select
            seals.stream,
            {{ dbt.hash(dbt_forensics.set_digest('seals.seal')) }} as head,
            seals.recorded_at
        from {{ seals }} as seals
        inner join (
            select stream, max(recorded_at) as recorded_at
            from {{ seals }}
            group by stream
        ) as latest
            on seals.stream = latest.stream and seals.recorded_at = latest.recorded_at
        group by seals.stream, seals.recorded_at
{%- endmacro %}


{% macro batch_history_columns() %}
    {#- Columns of the batch history and their types. -#}
    {{ return({
        'stream': 'text', 'batch_id': 'text', 'row_count': 'integer', 'min_event_time': 'time', 'max_event_time': 'time',
        'latest_event_time': 'time', 'min_ingested_at': 'time', 'max_ingested_at': 'time', 'batch_digest': 'text', 'fingerprint': 'text',
        'digest_version': 'integer', 'previous_seal': 'text', 'seal': 'text', 'recorded_at': 'time',
    }) }}
{% endmacro %}
