-- One row per captured row of the stream invoices.
select *
from {{ ref('actual_events') }}
where stream = 'invoices'
