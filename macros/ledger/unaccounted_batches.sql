{% macro unaccounted_batches(streams, batches, withdrawals) %}
    {#-
        A select of the batches whose rows in the relation, rows on record and verdicts do not add up, and why, if it is known; of streams that the last build read.
        batches: forensics__batches. withdrawals: forensics__held_withdrawals.
    -#}
    {%- set streams = dbt_forensics.streams_that_are_read(streams) if execute else {} -%}
    {%- if not streams -%}
    {{ return(dbt_forensics.no_rows({'stream': 'text', 'batch_id': 'text', 'rows_in_relation': 'integer', 'rows_on_record': 'integer', 'verdict_count': 'integer', 'because': 'text'})) }}
    {%- endif -%}
    with
    {%- for stream in streams.values() %}
    {%- set shape = dbt_forensics.stream_shape(stream) %}
    {{ stream.name }}_present as (

        select
            cast('{{ stream.name }}' as {{ dbt.type_string() }}) as stream,
            {{ dbt_forensics._batch_id(shape) }} as batch_id,
            count(*) as rows_in_relation
        from {{ shape.source }}
        group by 1, 2

    ),
    {%- endfor %}

    present as (

        {% for name in streams %}
        select * from {{ name }}_present
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}

    ),

    held as (

        select stream
        from {{ withdrawals }}
        group by stream
        having max(case when state = 'held' then entry_number end) = max(entry_number)

    ),

    recorded as (

        select
            stream,
            batch_id,
            row_count - vanished_count as rows_on_record,
            row_count as captured_count,
            accepted_count + duplicate_count + conflict_count + superseded_count + withdrawn_count + quarantined_count + pending_count as verdict_count
        from {{ batches }}
        where {{ dbt_forensics.is_one_of('stream', streams.keys() | list) }}

    )

    select
        coalesce(present.stream, recorded.stream) as stream,
        coalesce(present.batch_id, recorded.batch_id) as batch_id,
        coalesce(present.rows_in_relation, 0) as rows_in_relation,
        coalesce(recorded.rows_on_record, 0) as rows_on_record,
        coalesce(recorded.captured_count, 0) as captured_count,
        coalesce(recorded.verdict_count, 0) as verdict_count,
        case when held.stream is not null then 'rows are gone from the relation, and that they are withdrawn is held: see forensics__held_withdrawals' end as because
    from present
    full outer join recorded
        on present.stream = recorded.stream and present.batch_id = recorded.batch_id
    left join held
        on recorded.stream = held.stream
    where
        coalesce(present.rows_in_relation, 0) <> coalesce(recorded.rows_on_record, 0)
        or coalesce(recorded.captured_count, 0) <> coalesce(recorded.verdict_count, 0)
{% endmacro %}
