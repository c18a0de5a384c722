{% macro _counted_events(verdicts, also=[]) %}
    {#- A select of the columns of forensics__events: of each event the row that counts. verdicts: forensics__verdicts, or rows of its columns as of some time. also: further columns of it. -#}
    select
        stream,
        event_id,
        entity_id,
        event_type,
        event_time,
        ingested_at,
        batch_id,
        sequence_number,
        schema_version,
        tenant,
        payload,
        window_start,
        timeliness,
        lateness_seconds,
        is_out_of_order,
        cause,
        is_in_source,
        row_key,
        recorded_at,
        effective_at
        {%- for column in also %},
        {{ column }}
        {%- endfor %}
    from {{ verdicts }}
    where is_counted
{%- endmacro %}
