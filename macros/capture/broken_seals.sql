{% macro broken_seals(seals) %}
    {#- A select of the seals that do not follow from what they seal, or do not continue the chain. -#}
    with heads as (

        select
            stream,
            recorded_at,
            {{ dbt.hash(dbt_forensics.set_digest('seal')) }} as head
        from {{ seals }}
        group by stream, recorded_at

    ),

    followed as (

        select
            stream,
            recorded_at,
            coalesce(lag(head) over (partition by stream order by recorded_at), {{ dbt.hash('stream') }}) as head_before
        from heads

    )

    select
        sealed.stream,
        sealed.batch_id,
        sealed.recorded_at,
        sealed.seal,
        sealed.previous_seal,
        followed.head_before
    from {{ seals }} as sealed
    inner join followed
        on sealed.stream = followed.stream and sealed.recorded_at = followed.recorded_at
    where
        not {{ dbt_forensics.is_same('sealed.previous_seal', 'followed.head_before') }}
        or not {{ dbt_forensics.is_same('sealed.seal', dbt_forensics.seal_of('sealed')) }}
{% endmacro %}


{% macro batches_unlike_their_seal(history, presence, seals) %}
    {#- A select of the batches whose captured rows, as far as they are still in their source, are not those that were sealed, or that were never sealed. -#}
    with sealed as (

        select stream, batch_id, row_count, batch_digest
        from {{ seals }}
        where dbt_valid_to is null

    ),

    absent as (

        select row_key
        from {{ presence }}
        group by row_key
        having sum(presence_change) < 0

    ),

    rows_present as (

        select
            history.stream,
            history.batch_id,
            history.row_key
        from {{ history }} as history
        left join absent
            on history.row_key = absent.row_key
        where absent.row_key is null

    ),

    recounted as (

        select
            stream,
            batch_id,
            count(*) as row_count,
            {{ dbt_forensics.set_digest('row_key') }} as batch_digest
        from rows_present
        group by stream, batch_id

    )

    select
        coalesce(sealed.stream, recounted.stream) as stream,
        coalesce(sealed.batch_id, recounted.batch_id) as batch_id,
        sealed.row_count as sealed_count,
        recounted.row_count,
        sealed.batch_digest as sealed_digest,
        recounted.batch_digest
    from sealed
    full outer join recounted
        on sealed.stream = recounted.stream and sealed.batch_id = recounted.batch_id
    where
        coalesce(sealed.row_count, -1) <> coalesce(recounted.row_count, 0)
        or coalesce(sealed.batch_digest, '') <> coalesce(recounted.batch_digest, '0-0-0')
{% endmacro %}


{% macro rows_unlike_their_key(history) %}
    {#-
        A select of the captured rows whose content is not what their key says. Every digest is made again.
    -#}
    with digested as (

        select
            stream,
            batch_id,
            row_key,
            ordinal,
            {{ dbt_forensics.captured_row_digest('stream') }} as row_digest
        from {{ history }}

    )

    select
        stream,
        batch_id,
        row_key,
        row_digest
    from digested
    where not {{ dbt_forensics.is_same('row_key', 'case when ordinal = 1 then row_digest else ' ~ dbt_forensics.repeated_row_key() ~ ' end') }}
{% endmacro %}


{% macro versions_out_of_order(history, name, key) %}
    {#- A select of the versions of a snapshot that do not end when the next one of their key begins: dbt writes the end, so that no seal covers it. -#}
    with followed as (

        select
            stream,
            {{ key }},
            dbt_valid_from,
            dbt_valid_to,
            lead(dbt_valid_from) over (partition by stream, {{ key }} order by dbt_valid_from, dbt_scd_id) as next_valid_from
        from {{ history }}

    )

    select
        '{{ name }}' as history,
        stream,
        {{ key }} as version_of,
        dbt_valid_from,
        dbt_valid_to,
        next_valid_from
    from followed
    where not {{ dbt_forensics.is_same('dbt_valid_to', 'next_valid_from') }}
{% endmacro %}
