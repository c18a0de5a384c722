-- One row per metric of a stream, with the words that it is made of, in small letters: among them are the columns that it names.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set rows = [] %}
{%- for stream in dbt_forensics.streams().values() %}
{%- for metric, definition in stream.metrics.items() %}
{%- do rows.append({
    'stream': stream.name,
    'metric': metric,
    'agg': definition.agg,
    'words': ' ' ~ dbt_forensics._words_of_metric(stream, definition) | join(' ') ~ ' ',
}) %}
{%- endfor %}
{%- endfor %}
{{ dbt_forensics._given_rows({'stream': 'text', 'metric': 'text', 'agg': 'text', 'words': 'text'}, rows) }}
