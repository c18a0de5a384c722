-- One row per entry of the ledger, of one stream.
with ledger as (

    select * from {{ ref('forensics__ledger') }}

),

history as (

    select * from {{ ref('forensics__event_history') }}

)

select
    ledger.stream,
    {{ shown_event_id('ledger') }} as event_id,
    history.batch_id,
    history.ordinal,
    ledger.entry_number,
    ledger.effect,
    ledger.verdict,
    ledger.cause,
    ledger.timeliness,
    others.batch_id as other_batch_id
from ledger
inner join history
    on ledger.row_key = history.row_key
left join history as others
    on ledger.other_row_key = others.row_key
where ledger.stream = 'orders'
