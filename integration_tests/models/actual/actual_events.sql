-- One row per captured row, as the expected seeds describe one: rows are named by what they say, not by digests.
with events as (

    select * from {{ ref('forensics__verdicts') }}

)

select
    events.stream,
    {{ shown_event_id('events') }} as event_id,
    events.entity_id,
    events.event_type,
    events.event_time,
    events.ingested_at,
    events.batch_id,
    events.ordinal,
    events.sequence_number,
    events.schema_version,
    events.tenant,
    events.payload,
    events.window_start,
    events.verdict,
    events.cause,
    events.timeliness,
    events.lateness_seconds,
    events.is_counted,
    events.is_out_of_order,
    events.is_in_source,
    winners.batch_id as lost_to_batch_id,
    winners.ordinal as lost_to_ordinal
from events
left join events as winners
    on events.lost_to_row_key = winners.row_key
