-- Promise 4: each seal is the digest of its batch and of the head of the chain before it, and no link is missing.
{%- do dbt_forensics.assert_settings('test') %}
{{ dbt_forensics.broken_seals(ref('forensics__batch_history').render()) }}
