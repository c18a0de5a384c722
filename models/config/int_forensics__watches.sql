-- One row per watch that is compared with a metric.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set rows = [] %}
{%- for watch in dbt_forensics.watches().values() if watch.metric %}
{%- do rows.append({
    'watch': watch.name,
    'stream': watch.metric_stream,
    'metric': watch.metric_name,
    'tolerance': watch.tolerance,
}) %}
{%- endfor %}
{{ dbt_forensics._given_rows({'watch': 'text', 'stream': 'text', 'metric': 'text', 'tolerance': 'number'}, rows) }}
