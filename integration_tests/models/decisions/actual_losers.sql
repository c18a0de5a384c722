-- One row per row that lost, with its rank, the winner and the reason.
{{ dbt_forensics.deduplicate(
    ref('repeated_rows'),
    ['first_key', 'second_key'],
    ['arrived_at', 'row_number'],
    output='losers',
    content=['content', 'other_content'],
    winner='row_number',
) }}
