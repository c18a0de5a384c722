-- One row per decision about a captured row: it starts to count (+1), stops (-1), or was seen and does not count (0). Rows are only ever added.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        indexes=dbt_forensics.row_store_indexes(['event_key', 'row_key', 'recorded_at']),
        post_hook="{{ dbt_forensics.gather_statistics(this) }}",
    )
}}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'incremental',
    'incremental_strategy': 'append',
}) %}
{%- set history = ref('forensics__event_history') %}
{%- set presence = ref('int_forensics__presence_changes') %}
{%- set seals = ref('forensics__batch_history') %}
{%- set columns_seen = ref('forensics__schema_history') %}
{%- set streams = dbt_forensics.streams() %}
{%- if not streams or not dbt_forensics.can_read([history, presence, columns_seen]) %}
{{ dbt_forensics.no_rows(dbt_forensics.ledger_columns()) }}
{%- else %}
{%- set ledger = dbt_forensics._existing('forensics__ledger') %}
{%- set last_recorded_at = dbt_forensics.last_recorded_literal() %}
{%- set recorded_at = dbt_forensics.recorded_at() %}
with

new_rows as (
{{ dbt_forensics.judged_rows(streams, history, last_recorded_at) }}

),

judged as (

    select
        *,
        {{ dbt_forensics.arrival_cause('timeliness') }} as arrival_cause,
        case
            when broken_rule is not null then 'quarantined'
            when too_late = 'exclude' and timeliness = 'too_late' then 'pending'
        end as held_verdict,
        case
            when broken_rule is not null then 'rule:' || broken_rule
            when too_late = 'exclude' and timeliness = 'too_late' then 'too_late'
        end as held_cause
    from new_rows

),

{{ dbt_forensics.contested_events(history, ledger, presence, last_recorded_at) }},

{{ dbt_forensics.decided_rows(dbt_forensics.payload_columns_ever(columns_seen)) }},

{{ dbt_forensics.ledger_entries() }},

stamped as (

    select
        stream,
        row_key,
        event_id,
        event_key,
        cast(entry_number as {{ dbt.type_bigint() }}) as entry_number,
        cast(effect as {{ dbt.type_bigint() }}) as effect,
        cast(verdict as {{ dbt.type_string() }}) as verdict,
        cast(cause as {{ dbt.type_string() }}) as cause,
        cast(timeliness as {{ dbt.type_string() }}) as timeliness,
        event_time,
        ingested_at,
        other_row_key,
        cast(null as {{ dbt.type_string() }}) as action_id,
        {{ recorded_at }} as recorded_at,
        coalesce(effective_at, {{ recorded_at }}) as effective_at
    from entries

)

select * from stamped
{%- endif %}
