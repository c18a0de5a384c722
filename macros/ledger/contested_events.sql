{% macro contested_events(history, ledger, presence, actions, action_rows, last_recorded_at) %}
    {#-
        CTEs, the last of them named members: every row of the events for which more than one row may count, or whose rows came,
        went or were acted upon, with what the ledger says of it so far. Needs the CTE judged. ledger: the ledger as it is, or none.
        A row takes part if an action admits it; it does not if one withdraws it, if it is held, or if its source does not have it.
        Held rows are members too: a row that was rewritten into one that breaks a rule was not deleted.
    -#}
    {{ dbt_forensics.actions_in_force(actions, action_rows, last_recorded_at) }},

    repeated as (

        select event_key
        from judged
        where held_cause is null
        group by event_key
        having count(*) > 1

    ),

    came_or_went as (

        select distinct {{ dbt_forensics.event_key() }} as event_key
        from {{ presence }}
        where event_id is not null{% if last_recorded_at %} and recorded_at > {{ last_recorded_at }}{% endif %}

    ),

    acted_upon as (

        select distinct {{ dbt_forensics.event_key() }} as event_key
        from actions_in_force
        where is_recent

    ),

    looked_for as (

        select event_key from judged where held_cause is null
        union all
        select event_key from came_or_went
        union all
        select event_key from acted_upon

    ),

    known_of as (

        select distinct event_key
        from looked_for

    ),

    seen_before as (

        {#- One pass over two thin columns of the ledger: which of these events it knows, and when their rows arrived. #}
        {% if ledger -%}
        select distinct
            ledger.event_key,
            ledger.ingested_at
        from {{ ledger }} as ledger
        inner join known_of
            on ledger.event_key = known_of.event_key
        {%- else -%}
        {{ dbt_forensics.no_rows({'event_key': 'integer', 'ingested_at': 'time'}) }}
        {%- endif %}

    ),

    looked_at as (

        select event_key from repeated
        union all
        select event_key from came_or_went
        union all
        select event_key from acted_upon
        union all
        select event_key from seen_before

    ),

    touched as (

        select distinct event_key
        from looked_at

    ),

    {%- if ledger %}

    ledger_of_events as (

        {#- The times of arrival let the engine skip the rest of the ledger. #}
        {{ dbt_forensics._rows_that_arrived(ledger, 'seen_before', 'event_key') }}

    ),
    {%- endif %}

    entries_so_far as (

        {% if ledger -%}
        {%- set of_row = 'partition by ledger.row_key order by ledger.entry_number rows between unbounded preceding and current row' -%}
        select
            ledger.stream,
            ledger.event_id,
            ledger.row_key,
            ledger.ingested_at,
            ledger.verdict,
            ledger.other_row_key,
            ledger.entry_number,
            first_value(ledger.verdict) over ({{ of_row }}) as first_verdict,
            first_value(ledger.cause) over ({{ of_row }}) as first_cause,
            max(case when ledger.action_id is not null then ledger.recorded_at end) over (partition by ledger.row_key) as acted_upon_at,
            sum(ledger.effect) over (partition by ledger.row_key) as counts,
            max(ledger.effect) over (partition by ledger.row_key) as has_counted,
            max(ledger.entry_number) over (partition by ledger.row_key) as entry_count
        from ledger_of_events as ledger
        {%- else -%}
        {{ dbt_forensics.no_rows({
            'stream': 'text', 'event_id': 'text', 'row_key': 'text', 'ingested_at': 'time', 'verdict': 'text',
            'other_row_key': 'text', 'entry_number': 'integer', 'first_verdict': 'text', 'first_cause': 'text',
            'acted_upon_at': 'time', 'counts': 'integer', 'has_counted': 'integer', 'entry_count': 'integer',
        }) }}
        {%- endif %}

    ),

    that_went as (

        select
            row_key,
            sum(presence_change) < 0 as is_absent,
            max(case when presence_change = 1 then recorded_at end) as returned_at
        from {{ presence }}
        group by row_key

    ),

    candidates as (

        select
            judged.stream,
            judged.event_id,
            judged.row_key,
            judged.ingested_at,
            true as is_new,
            cast(0 as {{ dbt.type_bigint() }}) as counts,
            cast(0 as {{ dbt.type_bigint() }}) as has_counted,
            cast(0 as {{ dbt.type_bigint() }}) as entry_count,
            cast(null as {{ dbt.type_string() }}) as verdict,
            cast(null as {{ dbt.type_string() }}) as other_row_key,
            judged.held_verdict,
            judged.held_cause,
            cast(null as {{ dbt.type_timestamp() }}) as acted_upon_at
        from judged
        inner join touched
            on judged.event_key = touched.event_key
        union all
        select
            stream,
            event_id,
            row_key,
            ingested_at,
            false as is_new,
            cast(counts as {{ dbt.type_bigint() }}) as counts,
            cast(has_counted as {{ dbt.type_bigint() }}) as has_counted,
            cast(entry_count as {{ dbt.type_bigint() }}) as entry_count,
            verdict,
            other_row_key,
            case when first_verdict in ('quarantined', 'pending') then first_verdict end as held_verdict,
            case when first_verdict in ('quarantined', 'pending') then first_cause end as held_cause,
            acted_upon_at
        from entries_so_far
        where entry_number = entry_count

    ),

    captured as (

        {{ dbt_forensics._rows_that_arrived(history, 'candidates', 'row_key') }}

    ),

    located as (

        select
            candidates.*,
            {{ dbt_forensics.event_key('candidates') }} as event_key,
            case
                when actions_in_force.is_admitted or actions_in_force.is_withdrawn then actions_in_force.is_admitted
                else candidates.held_verdict is null and not coalesce(that_went.is_absent, false)
            end as takes_part,
            not coalesce(that_went.is_absent, false) as is_in_source,
            {#- When it came, or came back last. #}
            coalesce(that_went.returned_at, history.recorded_at) as came_at,
            {#- A batch that is only the hour of its rows' arrival is not one delivery. #}
            case when history.batch_id = {{ dbt_forensics.canonical_text(dbt_forensics.time_trunc('hour', 'history.ingested_at'), dbt.type_timestamp()) }} then history.ingested_at end as delivered_at,
            {#- What was done to it, unless the ledger has an entry of that already. #}
            case
                when actions_in_force.is_recent and (candidates.acted_upon_at is null or actions_in_force.acted_at > candidates.acted_upon_at)
                    then actions_in_force.last_cause
            end as act_cause,
            actions_in_force.last_action_id,
            history.batch_id,
            history.ordinal,
            history.entity_id,
            history.event_type,
            history.event_time,
            history.tenant,
            history.payload,
            history.shape_digest,
            history.schema_version,
            history.effective_at,
            history.recorded_at,
            {{ dbt_forensics.by_stream('timeliness', dbt_forensics.streams(), 'history') }} as timeliness,
            {{ dbt_forensics.by_stream('on_conflict', dbt_forensics.streams(), 'history') }} as on_conflict
        from candidates
        inner join captured as history
            on candidates.row_key = history.row_key
        left join that_went
            on candidates.row_key = that_went.row_key
        left join actions_in_force
            on candidates.row_key = actions_in_force.row_key

    ),

    {{ dbt_forensics._rows_in_place(last_recorded_at if ledger else none) }}
{% endmacro %}


{% macro _rows_that_arrived(relation, others, key) %}
    {#- The rows of a relation that have the key and the time of arrival of some others; rows without a time of arrival apart, so that the times can be looked up. -#}
    {%- for times in ['rows_then.ingested_at = others.ingested_at', 'rows_then.ingested_at is null and others.ingested_at is null'] %}
        select rows_then.*
        from {{ relation }} as rows_then
        inner join {{ others }} as others
            on rows_then.{{ key }} = others.{{ key }} and {{ times }}
        {{- '\n        union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{% macro _rows_in_place(last_recorded_at) %}
    {#-
        CTE members: the rows of contested events, each beside the rows of its own delivery (event id and batch). is_rewritten: its source has another row there
        now, which came later. is_rewrite: it came in this build, in the place of one that went; stands_in: of one that counts.
        A row's place is taken once: who comes after that adds to the batch. What the ledger has not met yet has no place. Needs the CTE located.
    -#}
    {%- if not last_recorded_at %}
    members as (

        select
            *,
            false as is_back,
            false as is_rewritten,
            false as is_rewrite,
            false as stands_in
        from located

    )
    {%- else %}
    {%- set delivery = 'partition by stream, event_id, batch_id, delivered_at' %}
    beside_delivered as (

        select
            *,
            max(case when is_in_source then came_at end) over ({{ delivery }}) as last_came_at,
            max(case when is_in_source and came_at <= {{ last_recorded_at }} then came_at end) over ({{ delivery }}) as last_stayed_at,
            max(case when not is_in_source and not is_new then came_at end) over ({{ delivery }}) as left_came_at,
            max(case when not is_in_source and counts = 1 then 1 else 0 end) over ({{ delivery }}) = 1 as stands_in
        from located

    ),

    members as (

        select
            *,
            is_in_source and not is_new and came_at > {{ last_recorded_at }} as is_back,
            not is_in_source and coalesce(last_came_at > came_at, false) as is_rewritten,
            is_in_source
            and came_at > {{ last_recorded_at }}
            and left_came_at is not null
            and coalesce(last_stayed_at <= left_came_at, true) as is_rewrite
        from beside_delivered

    )
    {%- endif %}
{% endmacro %}


{% macro by_stream(what, streams, relation) %}
    {#- A property of a row that its stream's configuration decides: timeliness, on_conflict or window_start. -#}
    {%- if not streams -%}
    cast(null as {{ dbt.type_timestamp() if what == 'window_start' else dbt.type_string() }})
    {%- else -%}
    case {{ relation }}.stream
    {%- for stream in streams.values() %}
                when '{{ stream.name }}' then
                {%- if what == 'timeliness' %} {{ dbt_forensics.timeliness(stream, relation ~ '.event_time', relation ~ '.ingested_at') }}
                {%- elif what == 'window_start' %} {{ dbt_forensics.window_start(stream.window, relation ~ '.event_time') }}
                {%- else %} '{{ stream[what] }}'
                {%- endif %}
    {%- endfor %}
            end
    {%- endif -%}
{%- endmacro %}


{% macro event_key(relation=none) %}
    {#- Integer: stands for an event of a stream where many rows are looked up by it. Two events may share one; nothing relies on it alone. -#}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ return('cast(' ~ dbt_forensics.digest_word(dbt.hash(prefix ~ "stream || ':' || " ~ prefix ~ 'event_id'), 1) ~ ' as ' ~ dbt.type_bigint() ~ ')') }}
{% endmacro %}
