-- One row per row, with its rank, the winner and the reason. From a CTE, so that all of its columns come along.
with repeated as (

    select * from {{ ref('repeated_rows') }}

),

ranked as (

    {{ dbt_forensics.deduplicate(
        'repeated',
        ['first_key', 'second_key'],
        ['arrived_at', 'row_number'],
        output='all',
        content=['content', 'other_content'],
        winner='row_number',
    ) | indent }}

)

select
    row_number,
    dedup_rank as expected_rank,
    cast(dedup_winner as integer) as expected_winner,
    dedup_reason as expected_reason
from ranked
