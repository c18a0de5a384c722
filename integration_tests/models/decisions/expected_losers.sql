-- One row per case of the decision table that loses, as deduplicate() should describe it.
select
    repeated_rows.*,
    cases.expected_rank as dedup_rank,
    cast(cases.expected_winner as {{ dbt.type_string() }}) as dedup_winner,
    cases.expected_reason as dedup_reason
from {{ ref('repeated_rows') }} as repeated_rows
inner join {{ ref('deduplicate_cases') }} as cases
    on repeated_rows.row_number = cases.row_number
where cases.expected_rank > 1
