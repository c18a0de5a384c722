-- One row per dbt invocation that began a build of the package since rows were last sealed; the last one's turn it is.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        pre_hook="{{ dbt_forensics.begin_turn() }}",
        post_hook="{{ dbt_forensics.end_other_turns(this) }}",
    )
}}
{%- do dbt_forensics.assert_settings('log') %}
{{ dbt_forensics.build_row() }}
