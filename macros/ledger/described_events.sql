{% macro described_events(history, ledger, presence) %}
    {#-
        CTEs, the last of them named described: one row per captured row with the verdict of its last ledger entry. history, ledger, presence:
        relations, or names of CTEs that have what was known at some time.
    -#}
    {%- set streams = dbt_forensics.streams() %}
    last_entries as (

        select entries.*
        from {{ ledger }} as entries
        left join {{ ledger }} as later_entries
            on
                entries.row_key = later_entries.row_key
                and entries.entry_number + 1 = later_entries.entry_number
        where later_entries.row_key is null

    ),

    absent as (

        select row_key
        from {{ presence }}
        group by row_key
        having sum(presence_change) < 0

    ),

    described as (

        select
            history.stream,
            history.row_key,
            history.ordinal,
            history.batch_id,
            history.event_id,
            history.entity_id,
            history.event_type,
            history.event_time,
            history.ingested_at,
            history.sequence_number,
            history.schema_version,
            history.tenant,
            history.payload,
            history.broken_rule,
            history.shape_digest,
            history.digest_version,
            history.recorded_at,
            history.effective_at,
            {{ dbt_forensics.by_stream('window_start', streams, 'history') }} as window_start,
            last_entries.verdict,
            last_entries.cause,
            coalesce(last_entries.verdict = 'accepted', false) as is_counted,
            {{ dbt_forensics.by_stream('timeliness', streams, 'history') }} as timeliness,
            {{ dbt_forensics.elapsed_seconds('history.event_time', 'history.ingested_at') }} as lateness_seconds,
            {#- Rows of one load arrive at one time: only strictly earlier arrivals count. #}
            history.entity_id is not null
            and history.ingested_at is not null
            and coalesce(max(history.event_time) over (
                partition by history.stream, history.entity_id
                order by history.ingested_at nulls last
                range between unbounded preceding and interval '1 microsecond' preceding
            ) > history.event_time, false) as is_out_of_order,
            case
                when last_entries.verdict in ('duplicate', 'conflict', 'superseded')
                    then last_entries.other_row_key
            end as lost_to_row_key,
            {{ dbt_forensics.reason('last_entries') }} as reason,
            absent.row_key is null as is_in_source
        from {{ history }} as history
        left join last_entries
            on history.row_key = last_entries.row_key
        left join absent
            on history.row_key = absent.row_key

    )
{% endmacro %}
