-- Promise 4: the content of each captured row is what its key says. Checked by `dbt test` and in a scrub.
{{ dbt_forensics.rows_unlike_their_key(ref('forensics__event_history')) }}
