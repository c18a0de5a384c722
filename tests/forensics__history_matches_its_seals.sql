-- Promise 4: the captured rows are the ones that were sealed. Checked for the batches that this build sealed; for all by `dbt test`.
{{ dbt_forensics.batches_unlike_their_seal(ref('forensics__event_history'), ref('int_forensics__presence_changes'), ref('forensics__batch_history')) }}
