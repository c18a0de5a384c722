-- One row per captured row of the stream notes.
select *
from {{ ref('actual_events') }}
where stream = 'notes'
