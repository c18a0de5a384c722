-- One row per case of the decision table: what deduplicate() should say of it.
select
    row_number,
    expected_rank,
    expected_winner,
    expected_reason
from {{ ref('deduplicate_cases') }}
