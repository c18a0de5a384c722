-- One row per case of the decision table that wins.
select repeated_rows.*
from {{ ref('repeated_rows') }} as repeated_rows
inner join {{ ref('deduplicate_cases') }} as cases
    on repeated_rows.row_number = cases.row_number
where cases.expected_rank = 1
