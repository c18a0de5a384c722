-- Promise 3, as of now: ledger and history give each current value again, to the last digit. The build that has just added them up
-- does not do it again; `dbt test` and a scrub do.
{%- do dbt_forensics.assert_settings('test') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) + [ref('int_forensics__metric_log')] %}
{%- set ledger = ref('forensics__ledger').render() %}
{%- set history = ref('forensics__event_history').render() %}
{%- set log = ref('int_forensics__metric_log').render() %}
{%- set is_there = dbt_forensics.is_built_here() and dbt_forensics.can_read(relations) %}
{%- if streams and is_there and dbt_forensics.checks_everything() %}
{{ dbt_forensics.irreproducible_values(streams, ledger, history, log) }}
{%- else %}
{{ dbt_forensics.no_rows({'stream': 'text'}) }}
{%- endif %}
