-- One row per case of the decision table. A seed cannot hold an empty text that is not NULL, so one is written in its place.
select
    row_number,
    replace(first_key, '<empty>', '') as first_key,
    second_key,
    arrived_at,
    replace(content, '<empty>', '') as content,
    other_content
from {{ ref('deduplicate_cases') }}
