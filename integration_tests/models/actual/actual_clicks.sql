-- One row per captured row of the stream clicks.
select *
from {{ ref('actual_events') }}
where stream = 'clicks'
