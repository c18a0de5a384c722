-- One row per captured row of the stream orders.
select *
from {{ ref('actual_events') }}
where stream = 'orders'
