-- Promise 4: the captured rows are the ones that were sealed. The build that has just sealed them does not seal them again;
-- `dbt test` and a scrub do.
{%- do dbt_forensics.assert_settings('test') %}
{%- set history = ref('forensics__event_history').render() %}
{%- set presence = ref('int_forensics__presence_changes').render() %}
{%- set seals = ref('forensics__batch_history').render() %}
{%- if dbt_forensics.checks_everything() and dbt_forensics.is_built_here(['forensics__batch_history']) %}
{{ dbt_forensics.batches_unlike_their_seal(history, presence, seals) }}
{%- else %}
{{ dbt_forensics.no_rows({'stream': 'text'}) }}
{%- endif %}
