{% macro new_ledger_entries(ledger, history, presence, columns_seen, actions, action_rows) %}
    {#-
        A select of the entries that the ledger lacks: for the rows captured since its last entry, and for the rows that came, went, or were acted
        upon. ledger: the ledger as it is, or none. The others are relations; a plan gives its own, to see what would come of it.
    -#}
    {%- set streams = dbt_forensics.streams() %}
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

    {{ dbt_forensics.contested_events(history, ledger, presence, actions, action_rows, last_recorded_at) }},

    {{ dbt_forensics.decided_rows(dbt_forensics.columns_ever(columns_seen, streams), streams) }},

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
            cast(action_id as {{ dbt.type_string() }}) as action_id,
            {{ recorded_at }} as recorded_at,
            coalesce(effective_at, {{ recorded_at }}) as effective_at
        from entries

    )

    select * from stamped
{% endmacro %}
