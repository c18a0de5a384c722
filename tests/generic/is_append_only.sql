{% test is_append_only(model, stream=none) %}
    {#-
        On the relation of a stream: no row that was on record has been deleted or rewritten, and none was put into a batch after
        it was sealed. Fails with one row per row that is gone or came too late.
        stream: the stream's name; default: the streams that read this relation.
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- if not dbt_forensics.is_built_here() -%}{{ return(dbt_forensics.no_rows({'stream': 'text'})) }}{%- endif %}
    {%- set names = dbt_forensics.streams_of(model, stream).keys() | list %}
    {%- set history = ref('forensics__event_history').render() %}
    {%- set vanished = ref('forensics__vanished_rows').render() %}
    {%- set seals = ref('forensics__batch_history').render() %}
    with first_seals as (

        select
            stream,
            batch_id,
            min(recorded_at) as sealed_at
        from {{ seals }}
        group by stream, batch_id

    )

    select
        stream,
        batch_id,
        row_key,
        'gone' as what,
        vanished_at as found_at
    from {{ vanished }}
    where returned_at is null and {{ dbt_forensics.is_one_of('stream', names) }}
    union all
    select
        history.stream,
        history.batch_id,
        history.row_key,
        'inserted' as what,
        history.recorded_at as found_at
    from {{ history }} as history
    inner join first_seals
        on history.stream = first_seals.stream and history.batch_id = first_seals.batch_id
    where history.recorded_at > first_seals.sealed_at and {{ dbt_forensics.is_one_of('history.stream', names) }}
{% endtest %}
