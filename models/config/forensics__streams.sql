-- One row per declared stream: what it reads, and how its rows are judged. Its defaults are filled in.
{{ config(materialized='table') }}
{%- do dbt_forensics.take_turn() %}
{%- do dbt_forensics.assert_settings('table') %}
-- depends_on: {{ ref('int_forensics__build') }}
{%- set streams = dbt_forensics.streams() %}
{%- set owners = dbt_forensics.stream_owners(streams) %}
{%- set rows = [] %}
{%- for stream in streams.values() %}
{%- do rows.append({
    'stream': stream.name,
    'relation': stream.relation,
    'window_period': stream.window,
    'window_minutes': dbt_forensics._minutes_of({'count': 1, 'period': stream.window}),
    'expected_delay_minutes': dbt_forensics._minutes_of(stream.expected_delay),
    'allowed_lateness_minutes': dbt_forensics._minutes_of(stream.allowed_lateness),
    'clock_skew_minutes': dbt_forensics._minutes_of(stream.clock_skew),
    'on_conflict': stream.on_conflict,
    'too_late': stream.too_late,
    'max_withdrawn_share': stream.max_withdrawn_share,
    'writes': stream.writes,
    'owner': owners[stream.name],
}) %}
{%- endfor %}
{{ dbt_forensics._given_rows(dbt_forensics._declared_stream_columns(), rows) }}
