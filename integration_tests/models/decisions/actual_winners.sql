-- One row per row that wins among those of its keys.
{{ dbt_forensics.deduplicate(ref('repeated_rows'), ['first_key', 'second_key'], ['arrived_at', 'row_number']) }}
