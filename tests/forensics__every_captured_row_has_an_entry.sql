-- Promise 1: each captured row has a verdict.
select
    history.stream,
    history.batch_id,
    history.row_key,
    history.recorded_at
from {{ ref('forensics__event_history') }} as history
left join {{ ref('forensics__ledger') }} as ledger
    on history.row_key = ledger.row_key and ledger.entry_number = 1
where ledger.row_key is null and {{ dbt_forensics.checked_since("history.recorded_at") }}
