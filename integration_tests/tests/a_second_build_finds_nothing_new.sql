-- However often this project is built: each batch and column is recorded in one version, each row once, and none has vanished.
select
    'batch' as what,
    stream,
    batch_id as name,
    count(*) as times_recorded
from {{ ref('forensics__batch_history') }}
group by stream, batch_id
having count(*) > 1
union all
select
    'column' as what,
    stream,
    column_name as name,
    count(*) as times_recorded
from {{ ref('forensics__schema_history') }}
group by stream, column_name
having count(*) > 1
union all
select
    'row' as what,
    stream,
    row_key as name,
    count(*) as times_recorded
from {{ ref('forensics__event_history') }}
group by stream, row_key
having count(*) > 1
union all
select
    'entry' as what,
    stream,
    row_key as name,
    count(*) as times_recorded
from {{ ref('forensics__ledger') }}
group by stream, row_key, entry_number
having count(*) > 1
union all
select
    'vanished' as what,
    stream,
    row_key as name,
    1 as times_recorded
from {{ ref('forensics__vanished_rows') }}
