-- One row per thing that is counted of the rows of a window, a batch and an hour of arrival, and build that counted: what it adds. Rows are only ever added.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        pre_hook="{{ dbt_forensics.without_nested_loops() }}",
        post_hook=[
            "{{ dbt_forensics.profile_by_slices(this, ref('forensics__event_history'), ref('forensics__ledger')) }}",
            "{{ dbt_forensics.gather_statistics(this) }}",
        ],
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{%- do dbt_forensics.take_turn() %}
{%- set history = ref('forensics__event_history') %}
{%- set ledger = ref('forensics__ledger') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{%- set profile = dbt_forensics._existing('int_forensics__row_profile') %}
{%- set can_read = streams and dbt_forensics.can_read(relations + [history, ledger]) %}
{%- set plan = dbt_forensics.profile_plan(streams, ledger, profile) if can_read else [] %}
{%- if dbt_forensics.profile_slices(plan, ledger) | length == 1 %}
{{ dbt_forensics.profile_select(plan, history, ledger) }}
{%- else %}
{#- Nothing is new, or so much that the hook adds it in slices. #}
{{ dbt_forensics.no_rows(dbt_forensics.row_profile_columns()) }}
{%- endif %}
