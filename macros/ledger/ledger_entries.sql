{% macro ledger_entries() %}
    {#-
        CTEs, the last of them named entries: what the ledger writes for the rows that were judged and decided, so that each row ends
        with the verdict decided for it. Needs the CTEs judged, touched and decided. Entries are numbered per row.
        Where one row takes the place of another, both entries have one cause. A new version of a row that did not count, and does not count now, never counts.
    -#}
    {%- set text = dbt.type_string() %}
    {%- set exchange_cause = "case when winner_is_rewrite then 'rewritten' else 'correction' end" %}
    {%- set counts_for_a_while = "target_verdict = 'superseded' and (stands_in or not is_rewrite)" %}
    entries_alone as (

        select
            judged.stream,
            judged.row_key,
            judged.event_id,
            judged.event_key,
            1 as entry_number,
            case when judged.held_cause is null then 1 else 0 end as effect,
            coalesce(judged.held_verdict, 'accepted') as verdict,
            coalesce(judged.held_cause, judged.arrival_cause) as cause,
            judged.timeliness,
            judged.event_time,
            judged.ingested_at,
            cast(null as {{ text }}) as other_row_key,
            judged.effective_at,
            cast(null as {{ text }}) as action_id
        from judged
        left join touched
            on judged.held_cause is null and judged.event_key = touched.event_key
        where touched.event_key is null

    ),

    entries_first as (

        {#- A new row begins to count, if it ever did, or is seen and does not count. #}
        select
            stream,
            row_key,
            event_id,
            event_key,
            1 as entry_number,
            case when target_verdict = 'accepted' or {{ counts_for_a_while }} then 1 else 0 end as effect,
            case when {{ counts_for_a_while }} then 'accepted' else target_verdict end as verdict,
            case
                when target_verdict in ('duplicate', 'conflict') then target_verdict
                when target_verdict = 'superseded' and not ({{ counts_for_a_while }}) then 'correction'
                when is_rewrite then 'rewritten'
                when takes_over or displaces or had_gone then 'correction'
                else {{ dbt_forensics.arrival_cause('timeliness') }}
            end as cause,
            timeliness,
            event_time,
            ingested_at,
            case when target_verdict <> 'accepted' and not ({{ counts_for_a_while }}) then target_other end as other_row_key,
            effective_at,
            cast(null as {{ text }}) as action_id
        from decided
        where is_new and held_cause is null

    ),

    entries_stopping as (

        {#- A row that counts stops to: another one took its place, someone withdrew it, or its source does not have it any more. #}
        select
            stream,
            row_key,
            event_id,
            event_key,
            entry_count + case when is_new then 2 else 1 end as entry_number,
            -1 as effect,
            case when takes_part then 'superseded' else 'withdrawn' end as verdict,
            case
                when is_new then 'correction'
                when takes_part then {{ exchange_cause }}
                when act_cause is not null then act_cause
                when is_rewritten then 'rewritten'
                when winner_came then {{ exchange_cause }}
                else 'source_deleted'
            end as cause,
            cast(null as {{ text }}) as timeliness,
            event_time,
            ingested_at,
            target_other as other_row_key,
            case when is_new then {{ dbt_forensics.greatest_of('effective_at', 'taken_over_at') }} end as effective_at,
            case when not takes_part and act_cause is not null then last_action_id end as action_id
        from decided
        where
            (is_new and {{ counts_for_a_while }})
            or (counts = 1 and coalesce(target_verdict, 'gone') <> 'accepted')

    ),

    entries_resuming as (

        {#- A row begins to count again: it came back, the row that counted made room, or someone let it. #}
        {%- set is_acted_upon = "act_cause is not null and verdict in ('withdrawn', 'quarantined', 'pending')" %}
        select
            stream,
            row_key,
            event_id,
            event_key,
            entry_count + 1 as entry_number,
            1 as effect,
            'accepted' as verdict,
            case
                when {{ is_acted_upon }} then act_cause
                when is_rewrite or (loser_is_rewritten and not takes_over) then 'rewritten'
                when is_back and not displaces and event_has_counted then 'source_deleted'
                when is_back and not displaces then {{ dbt_forensics.arrival_cause('timeliness') }}
                else 'correction'
            end as cause,
            timeliness,
            event_time,
            ingested_at,
            cast(null as {{ text }}) as other_row_key,
            cast(null as {{ dbt.type_timestamp() }}) as effective_at,
            case when {{ is_acted_upon }} then last_action_id end as action_id
        from decided
        where not is_new and counts = 0 and target_verdict = 'accepted'

    ),

    entries_relabelled as (

        {#- A row that does not count is told so under another verdict, or lost to another row than before. #}
        select
            stream,
            row_key,
            event_id,
            event_key,
            entry_count + 1 + counts as entry_number,
            0 as effect,
            target_verdict as verdict,
            case
                when target_verdict = held_verdict then held_cause
                when target_verdict = 'superseded' then 'correction'
                else target_verdict
            end as cause,
            timeliness,
            event_time,
            ingested_at,
            target_other as other_row_key,
            cast(null as {{ dbt.type_timestamp() }}) as effective_at,
            case when target_verdict = held_verdict and act_cause is not null then last_action_id end as action_id
        from decided
        where
            not is_new
            and (
                (counts = 1 and target_verdict in ('duplicate', 'conflict', 'quarantined', 'pending'))
                or (
                    counts = 0
                    and target_verdict in ('duplicate', 'conflict', 'superseded', 'quarantined', 'pending')
                    and (target_verdict <> verdict or not {{ dbt_forensics.is_same('target_other', 'other_row_key') }})
                )
            )

    ),

    entries as (

        select * from entries_alone
        union all
        select * from entries_first
        union all
        select * from entries_stopping
        union all
        select * from entries_resuming
        union all
        select * from entries_relabelled

    )
{% endmacro %}


{% macro arrival_cause(timeliness) %}
    {#- The cause of a row that counts from its arrival. A row from the future arrived in time. -#}
    {{ return("case when " ~ timeliness ~ " in ('late', 'too_late') then " ~ timeliness ~ " else 'on_time' end") }}
{% endmacro %}
