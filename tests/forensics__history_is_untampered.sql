-- Promise 4: the content of each captured row is what its key says. The build that has just made the keys does not make them
-- again; `dbt test` and a scrub do.
{%- do dbt_forensics.assert_settings('test') %}
{%- set history = ref('forensics__event_history').render() %}
{%- if dbt_forensics.checks_everything() %}
{{ dbt_forensics.rows_unlike_their_key(history) }}
{%- else %}
{{ dbt_forensics.no_rows({'stream': 'text'}) }}
{%- endif %}
