-- One row per rule that a stream declares.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set rows = [] %}
{%- for stream in dbt_forensics.streams().values() %}
{%- for rule in stream.rules %}
{%- do rows.append({'stream': stream.name, 'rule': rule}) %}
{%- endfor %}
{%- endfor %}
{{ dbt_forensics._given_rows({'stream': 'text', 'rule': 'text'}, rows) }}
