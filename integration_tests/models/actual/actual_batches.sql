-- One row per batch of a stream.
select *
from {{ ref('forensics__batches') }}
