-- One row per captured row of the stream readings.
select *
from {{ ref('actual_events') }}
where stream = 'readings'
